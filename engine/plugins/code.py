"""A plugin's code: where it lies, its fingerprint, and how it is imported into a namespace of its own.

Drop-in plugins are loaded as ``kinograph_plugins.NAME``, without touching ``sys.path``: two plugins with equally named
modules do not meet. A plugin that is loaded once more, because a file of it was saved, becomes
``kinograph_plugins.NAME@2``: what runs with the old code keeps its own modules, also those that it imports later.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from engine.node_types.socket_types import PLUGIN_PREFIX

GENERATION = "@"
_KEPT_GENERATIONS = 3
_generations = itertools.count(2)


@dataclass(frozen=True, slots=True)
class Code:
    """Where a plugin's code is.

    Attributes:
        name: the plugin's name.
        root: its package folder or its single file; ``None`` where it cannot be told without importing it.
        module: name under which an installed package is imported; empty for drop-ins.
    """

    name: str
    root: Path | None
    module: str = ""

    @property
    def folder(self) -> Path | None:
        """The package's folder, if it is a package."""
        return self.root if self.root is not None and self.root.is_dir() else None

    def files(self) -> list[Path]:
        """Its Python files and its manifest, sorted."""
        if self.root is None:
            return []
        if self.root.is_dir():
            return sorted([*self.root.rglob("*.py"), *self.root.glob("*.toml")])
        return [self.root]

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Names, sizes and times of its files: another value means that something was saved."""
        found = []
        for file in self.files():
            try:
                state = file.stat()
            except OSError:
                continue
            found.append((str(file), state.st_size, state.st_mtime_ns))
        return tuple(found)

    def fingerprint(self) -> str:
        """Digest of all its Python files, by name and content."""
        summary = hashlib.blake2b(digest_size=16)
        for file in self.files():
            if file.suffix != ".py":
                continue
            try:
                content = file.read_bytes()
            except OSError:
                continue
            assert self.root is not None
            name = file.relative_to(self.root).as_posix() if self.root.is_dir() else file.name
            summary.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            summary.update(content)
        return summary.hexdigest()


def installed_code(name: str, module: str) -> Code:
    """The code of an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return Code(name, None, module)
    origin = Path(spec.origin)
    return Code(name, origin.parent if origin.name == "__init__.py" else origin, module)


def import_code(code: Code, *, again: bool = False) -> ModuleType:
    """Import a plugin's code; ``again`` makes new modules although it was imported before."""
    importlib.invalidate_caches()
    if again:
        _drop_compiled(code)
    if code.module:
        if again:
            _forget(code.module.partition(".")[0])
        return importlib.import_module(code.module)
    assert code.root is not None
    return _import_path(code.root, code.name, again)


def _drop_compiled(code: Code) -> None:
    """Compiled files are dated by the second: one saved twice within a second would be read as it was."""
    for file in code.files():
        with contextlib.suppress(OSError, NotImplementedError):
            Path(importlib.util.cache_from_source(file)).unlink()


def inner_modules(module: ModuleType) -> list[ModuleType]:
    """The plugin's module and those that it names in ``PLUGIN_MODULES``; a leading dot means its own package."""
    inner = getattr(module, "PLUGIN_MODULES", ())
    return [module, *(importlib.import_module(name, module.__name__) for name in inner)]


def _import_path(path: Path, name: str, again: bool) -> ModuleType:
    parent = sys.modules.get(PLUGIN_PREFIX)
    if parent is None:
        parent = ModuleType(PLUGIN_PREFIX)
        parent.__path__ = []
        sys.modules[PLUGIN_PREFIX] = parent
    full_name = f"{PLUGIN_PREFIX}.{name}"
    if again:
        full_name = f"{full_name}{GENERATION}{next(_generations)}"
        _forget_old_generations(name)
    else:
        _forget(full_name)
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
        _forget(full_name)
        raise
    setattr(parent, name, module)
    return module


def _forget(name: str) -> None:
    for known in [known for known in sys.modules if known == name or known.startswith(name + ".")]:
        del sys.modules[known]


def _forget_old_generations(name: str) -> None:
    """Modules of code that nobody can be running any more."""
    prefix = f"{PLUGIN_PREFIX}.{name}{GENERATION}"
    tops = [known for known in sys.modules if known.startswith(prefix) and known.count(".") == 1]
    for old in tops[:-_KEPT_GENERATIONS]:
        _forget(old)
