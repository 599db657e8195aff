"""Find plugins and read their node types. A broken plugin is a value in the result, never an exception.

Plugins come from the entry-point group ``kinograph.plugins`` of installed packages (the built-in nodes are one) and
from the drop-in folders: single files and packages, loaded under a private prefix without touching ``sys.path``. A
plugin's module may name further modules of its package in ``PLUGIN_MODULES``.

Foreign code may hang, exit or crash while it is imported. A :class:`Tester` imports it elsewhere first; only what
survived that is imported here.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from engine.buffers import BufferAdapter
from engine.node_types.guards import Guard
from engine.node_types.node_type import NodeType
from engine.node_types.registry import Registry
from engine.node_types.signature import SignatureError, mark_of, read_node
from engine.node_types.socket_types import PLUGIN_PREFIX
from engine.plugins.code import Code, import_code, inner_modules, installed_code
from engine.plugins.code_closure import CodeClosure
from engine.plugins.manifest import Manifest, ManifestError, read_manifest
from engine.viewers import Viewer

GROUP = "kinograph.plugins"
OWN = "kinograph"
"""Name of the entry point of the built-in nodes."""


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
        home: where its code lies; ``None`` for one that runs in a process of its own.
        manifest: what it says of itself, where it says something.
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
    home: Code | None = None
    manifest: Manifest | None = None


@dataclass(slots=True)
class Discovered:
    """Everything that was found, and everything that was wrong.

    Attributes:
        pending: plugins whose import is still being tried elsewhere.
        ending: what is to be done when nobody uses the plugins any more.
    """

    plugins: list[Plugin] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    pending: set[str] = field(default_factory=set)
    ending: Callable[[], None] = lambda: None

    def registry(self) -> Registry:
        """The registry of all plugins; of two types with one id the first wins (the second is an error already)."""
        return Registry(
            {node_type.id: node_type for plugin in reversed(self.plugins) for node_type in reversed(plugin.node_types)},
            tuple(adapter for plugin in self.plugins for adapter in plugin.buffers),
            tuple(guard for plugin in self.plugins for guard in plugin.guards),
            tuple(viewer for plugin in self.plugins for viewer in plugin.viewers),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of importing a plugin elsewhere.

    Attributes:
        message: what went wrong, after "the plugin 'x' ..."; empty when all went well.
        pending: it is not over yet.
    """

    message: str = ""
    details: str = ""
    pending: bool = False


class Tester(Protocol):
    """Imports plugins where they can do no harm."""

    def verdicts(self, codes: Sequence[Code], fingerprints: Mapping[str, str]) -> dict[str, Verdict]:
        """By plugin name, what came of it. Fingerprints tell whether it is known already."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and not imported yet."""

    code: Code
    source: str
    version: str = ""


def candidates(folders: Iterable[Path] = (), *, installed: bool = True) -> tuple[list[Candidate], list[PluginError]]:
    """All plugins there are: installed ones first (Kinograph's own before others), then the folders'."""
    found: dict[str, Candidate] = {}
    errors: list[PluginError] = []
    entries = entry_points(group=GROUP) if installed else ()
    for entry in sorted(entries, key=lambda entry: (entry.name != OWN, entry.name)):
        _add(found, errors, Candidate(installed_code(entry.name, entry.module), "installed", _version(entry)))
    for folder in map(Path.absolute, folders):  # processes in other folders import them too
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if _is_plugin(path):
                _add(found, errors, Candidate(Code(path.stem, path), str(path)))
    return list(found.values()), errors


def _add(found: dict[str, Candidate], errors: list[PluginError], candidate: Candidate) -> None:
    name = candidate.code.name
    first = found.setdefault(name, candidate)
    if first is not candidate and first.code.root != candidate.code.root:
        message = f"the plugin {name!r} in {candidate.source} is not used: one of that name is there ({first.source})"
        errors.append(PluginError(name, message))


def discover(folders: Iterable[Path] = (), tester: Tester | None = None) -> Discovered:
    """Find and import all plugins.

    Args:
        folders: drop-in folders.
        tester: imports foreign plugins elsewhere first; without one they are imported here at once.
    """
    listed, errors = candidates(folders)
    found = Discovered(errors=errors)
    manifests: dict[str, Manifest | None] = {}
    usable: list[Candidate] = []
    for candidate in listed:
        try:
            folder = candidate.code.folder
            manifests[candidate.code.name] = read_manifest(folder) if folder is not None else None
        except ManifestError as error:
            found.errors.append(PluginError(candidate.code.name, f"the plugin {candidate.code.name!r}: {error}"))
        else:
            wishes = manifests[candidate.code.name]
            if wishes is not None and wishes.isolated:
                found.errors.append(PluginError(candidate.code.name, wants_isolation(candidate.code)))
            else:
                usable.append(candidate)
    fingerprints = {candidate.code.name: candidate.code.fingerprint() for candidate in usable}
    foreign = [candidate.code for candidate in usable if candidate.code.name != OWN]
    verdicts = tester.verdicts(foreign, fingerprints) if tester is not None and foreign else {}
    for candidate in usable:
        name = candidate.code.name
        verdict = verdicts.get(name, Verdict())
        if verdict.pending:
            found.pending.add(name)
        if verdict.message:
            found.errors.append(PluginError(name, f"the plugin {name!r} {verdict.message}", verdict.details))
        else:
            plugin, wrong = load(candidate, fingerprints[name], manifests[name])
            found.errors += wrong
            if plugin is not None:
                found.plugins.append(plugin)
    found.errors += twins(found.plugins)
    return found


def wants_isolation(code: Code) -> str:
    """What to tell of a plugin that asks for an environment of its own and lies among the others."""
    how = f"kinograph plugins install {code.root}"
    return f"the plugin {code.name!r} asks for an environment of its own: install it with '{how}'"


def _is_plugin(path: Path) -> bool:
    if path.name.startswith((".", "_")):
        return False
    return path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").is_file())


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist is not None else ""


def load(
    candidate: Candidate, fingerprint: str, manifest: Manifest | None = None, *, again: bool = False
) -> tuple[Plugin | None, list[PluginError]]:
    """Import one plugin and read its node types; with ``again`` although it was imported before."""
    name = candidate.code.name
    started = time.perf_counter()
    closure = CodeClosure(candidate.code, fingerprint)
    try:
        modules = inner_modules(import_code(candidate.code, again=again))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a plugin must not end the program
        text = f"{type(error).__name__}: {error}"
        return None, [PluginError(name, f"the plugin {name!r} cannot be imported: {text}", traceback.format_exc())]
    plugin, errors = _read(Plugin(name, candidate.source, candidate.version, fingerprint), modules, closure)
    seconds = time.perf_counter() - started
    return replace(plugin, seconds=seconds, home=candidate.code, manifest=manifest), errors


def _read(plugin: Plugin, modules: list[ModuleType], closure: CodeClosure) -> tuple[Plugin, list[PluginError]]:
    errors: list[PluginError] = []
    node_types: dict[str, NodeType] = {}
    buffers: dict[int, BufferAdapter] = {}
    guards: dict[int, Guard] = {}
    viewers: dict[int, Viewer] = {}
    closure.package = modules[0].__name__
    for found_in, value in _members(modules):
        mark = mark_of(value)
        if mark is not None and callable(value) and mark.id not in node_types:
            try:
                code = partial(closure.fingerprint, *sorted({found_in, getattr(value, "__module__", found_in)}))
                node_types[mark.id] = read_node(value, plugin=plugin.name, code=code)
            except SignatureError as error:
                errors.append(PluginError(plugin.name, str(error)))
        elif isinstance(value, BufferAdapter):
            buffers[id(value)] = value
        elif isinstance(value, Guard):
            guards[id(value)] = value
        elif isinstance(value, Viewer):
            viewers[id(value)] = value
    whole = replace(
        plugin,
        node_types=tuple(node_types.values()),
        buffers=tuple(buffers.values()),
        guards=tuple(guards.values()),
        viewers=tuple(viewers.values()),
    )
    return whole, errors


def _members(modules: list[ModuleType]) -> Iterator[tuple[str, Any]]:
    """What the modules define themselves, with the module's name; what they only import is not theirs to provide."""
    for module in modules:
        package = (
            module.__name__.partition(".")[0] if not module.__name__.startswith(PLUGIN_PREFIX) else module.__name__
        )
        for value in list(vars(module).values()):
            home = getattr(value, "__module__", None)
            if home is None or home.partition(".")[0] == package or home.startswith((module.__name__, package + ".")):
                yield module.__name__, value


def twins(plugins: Iterable[Plugin]) -> list[PluginError]:
    """Errors for node types that an earlier plugin provides already."""
    owners: dict[str, str] = {}
    errors: list[PluginError] = []
    for plugin in plugins:
        for node_type in plugin.node_types:
            owner = owners.setdefault(node_type.id, plugin.name)
            if owner != plugin.name:
                message = f"node type {node_type.id!r} is already provided by plugin {owner!r}; this one is not used"
                errors.append(PluginError(plugin.name, message))
    return errors
