"""Find plugins and read their node types. A broken plugin is a value in the result, never an exception.

Plugins come from the entry-point group ``kinograph.plugins`` of installed packages (the built-in nodes are one) and
from the drop-in folder: single files and packages, loaded under a private prefix without touching ``sys.path``. A
plugin's module may name further modules of its package in ``PLUGIN_MODULES``.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from engine.buffers import BufferAdapter, Guard
from engine.node_type import NodeType
from engine.registry import Registry
from engine.signature import SignatureError, mark_of, read_node
from engine.socket_types import PLUGIN_PREFIX
from engine.viewers import Viewer

GROUP = "kinograph.plugins"


@dataclass(frozen=True, slots=True)
class PluginError:
    """Why a plugin, or one node of it, is not there."""

    plugin: str
    message: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A package or file that provides node types.

    Attributes:
        name: how it is called in messages and keys.
        source: ``"installed"`` or the path it was loaded from.
        version: of its distribution, where it has one.
        code: fingerprint of its Python files.
        seconds: how long its import took.
    """

    name: str
    source: str
    version: str = ""
    code: str = ""
    seconds: float = 0.0
    node_types: tuple[NodeType, ...] = ()
    buffers: tuple[BufferAdapter, ...] = ()
    guards: tuple[Guard, ...] = ()
    viewers: tuple[Viewer, ...] = ()


@dataclass(slots=True)
class Discovered:
    """Everything that was found, and everything that was wrong."""

    plugins: list[Plugin] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)

    def registry(self) -> Registry:
        """The registry of all plugins; of two types with one id the first wins (the second is an error already)."""
        return Registry(
            {node_type.id: node_type for plugin in reversed(self.plugins) for node_type in reversed(plugin.node_types)},
            tuple(adapter for plugin in self.plugins for adapter in plugin.buffers),
            tuple(guard for plugin in self.plugins for guard in plugin.guards),
            tuple(viewer for plugin in self.plugins for viewer in plugin.viewers),
        )


def discover(folders: Iterable[Path] = ()) -> Discovered:
    """Find and import all plugins: installed ones first (Kinograph's own before others), then the folders'."""
    found = Discovered()
    installed = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name != "kinograph", entry.name))
    for entry in installed:
        _load(found, entry.name, "installed", lambda entry=entry: _import_entry(entry), _version(entry))
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if _is_plugin(path):
                name = path.stem
                _load(found, name, str(path), lambda path=path, name=name: _import_path(path, name))
    _report_twins(found)
    return found


def _is_plugin(path: Path) -> bool:
    if path.name.startswith((".", "_")):
        return False
    return path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").is_file())


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist is not None else ""


def _import_entry(entry: EntryPoint) -> ModuleType:
    return importlib.import_module(entry.module)


def _import_path(path: Path, name: str) -> ModuleType:
    """Import a file or package as ``kinograph_plugins.NAME``."""
    parent = sys.modules.get(PLUGIN_PREFIX)
    if parent is None:
        parent = ModuleType(PLUGIN_PREFIX)
        parent.__path__ = []
        sys.modules[PLUGIN_PREFIX] = parent
    full_name = f"{PLUGIN_PREFIX}.{name}"
    for known in [known for known in sys.modules if known == full_name or known.startswith(full_name + ".")]:
        del sys.modules[known]
    file = path / "__init__.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location(
        full_name, file, submodule_search_locations=[str(path)] if path.is_dir() else None
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(full_name, None)
        raise
    setattr(parent, name, module)
    return module


def _load(found: Discovered, name: str, source: str, load: object, version: str = "") -> None:
    assert callable(load)
    started = time.perf_counter()
    try:
        module = load()
        modules = [
            module,
            *(importlib.import_module(inner) for inner in getattr(module, "PLUGIN_MODULES", ())),
        ]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a plugin must not end the program
        text = f"{type(error).__name__}: {error}"
        found.errors.append(
            PluginError(name, f"the plugin {name!r} cannot be imported: {text}", traceback.format_exc())
        )
        return
    code = _code_fingerprint(module)
    node_types: dict[str, NodeType] = {}
    buffers: dict[int, BufferAdapter] = {}
    guards: dict[int, Guard] = {}
    viewers: dict[int, Viewer] = {}
    for value in _members(modules):
        mark = mark_of(value)
        if mark is not None and callable(value) and mark.id not in node_types:
            try:
                node_types[mark.id] = read_node(value, plugin=name, code=code)
            except SignatureError as error:
                found.errors.append(PluginError(name, str(error)))
        elif isinstance(value, BufferAdapter):
            buffers[id(value)] = value
        elif isinstance(value, Guard):
            guards[id(value)] = value
        elif isinstance(value, Viewer):
            viewers[id(value)] = value
    seconds = time.perf_counter() - started
    found.plugins.append(
        Plugin(
            name,
            source,
            version,
            code,
            seconds,
            tuple(node_types.values()),
            tuple(buffers.values()),
            tuple(guards.values()),
            tuple(viewers.values()),
        )
    )


def _members(modules: list[ModuleType]) -> Iterator[object]:
    """What the modules define themselves; what they only import from elsewhere is not theirs to provide."""
    for module in modules:
        package = (
            module.__name__.partition(".")[0] if not module.__name__.startswith(PLUGIN_PREFIX) else module.__name__
        )
        for value in list(vars(module).values()):
            home = getattr(value, "__module__", None)
            if home is None or home.partition(".")[0] == package or home.startswith((module.__name__, package + ".")):
                yield value


def _report_twins(found: Discovered) -> None:
    owners: dict[str, str] = {}
    for plugin in found.plugins:
        for node_type in plugin.node_types:
            owner = owners.setdefault(node_type.id, plugin.name)
            if owner != plugin.name:
                message = f"node type {node_type.id!r} is already provided by plugin {owner!r}; this one is not used"
                found.errors.append(PluginError(plugin.name, message))


def _code_fingerprint(module: ModuleType) -> str:
    """Digest of all Python files of a plugin: of its package, or of its single file."""
    paths = [Path(path) for path in getattr(module, "__path__", [])]
    files = sorted({file for path in paths for file in path.rglob("*.py")}) if paths else [Path(module.__file__ or "")]
    summary = hashlib.blake2b(digest_size=16)
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            continue
        base = paths[0] if paths else file.parent
        name = file.relative_to(base).as_posix() if file.is_relative_to(base) else file.name
        summary.update(f"{name}\0{len(content)}\0".encode())
        summary.update(content)
    return summary.hexdigest()
