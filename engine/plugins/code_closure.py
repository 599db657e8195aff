"""Which files of a plugin a node depends on: its module's imports, and theirs, and so on.

A node's key holds a fingerprint of this code, so that an edit elsewhere in the plugin leaves its results alone. Leaving
out a file that does matter would give wrong results; taking in one that does not costs time. In doubt, it is in.

* Imports are found in the text, also inside functions (and inside comments, which does no harm). With a module come
  the ``__init__.py`` files above it.
* A module that imports by computed name (``import_module``, ``__import__``) depends on the whole plugin, unless it
  lists what it imports so: ``IMPORTED_BY_NAME = ("package.module", ...)`` (or the values of a dict).
* A module that does something to others when it is imported (it calls a function, uses a decorator of its own package,
  sets an attribute of something) is a part of all nodes' code.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.plugins.code import Code

_WIRE = re.compile(r"\bfrom\s+(\.*)\s*([\w.]*)\s+import\s+(.*)|\bimport\s+([\w.][\w., ]*)")
_COMPUTED = ("import_module", "__import__", "importlib", "runpy", "pkgutil")
_COMPUTED_CODE = re.compile(r"(?<![\w.])(?:exec|eval)\(")
_LISTED = re.compile(r"^IMPORTED_BY_NAME\b[^=\n]*=\s*[({]([^)}]*)[)}]", re.MULTILINE)
_TEXT = re.compile(r"""["']([\w.]+)["']""")
_DECORATOR = re.compile(r"@(\w+)")
_ASSIGNED_CALL = re.compile(r"\w+(?:\s*:[^=]+)?\s*=\s*(\w+)(?:\.\w+)*\(")
_EFFECT = re.compile(
    r"(?:for|while|with)\b.*:\s*(?:#.*)?$|try:|if (?!TYPE_CHECKING|__name__).*:\s*(?:#.*)?$|"
    r"(?!def |class |async |import |from |elif |else|assert |raise |del |except|finally|return )"
    r"[A-Za-z_]\w*(?:\.\w+)*(?:\(|\[.*\]\s*\W?=[^=]|\.\w+\s*\W?=[^=])"
)
"""What a line that is not indented does to others: loops, conditions, calls, setting parts of something."""


class CodeClosure:
    """The code of one plugin, by module. Made before it is imported; reads the files when a fingerprint is asked for.

    Args:
        code: where it lies.
        whole: fingerprint of all its files, which holds where nothing better can be said.

    Attributes:
        package: the name under which it was imported.
    """

    def __init__(self, code: Code, whole: str) -> None:
        self._code = code
        self.package = ""
        self._whole = whole
        self._stamp = code.stamp()
        self._lock = threading.Lock()
        self._read = False
        self._content: dict[str, str] = {}  # module, relative to the package; "" is the package itself
        self._is_package: set[str] = set()
        self._everywhere: set[str] = set()
        self._imports: dict[str, set[str]] = {}
        self._fingerprints: dict[tuple[str, ...], str] = {}

    def fingerprint(self, *modules: str) -> str:
        """Digest of all code that these modules (full names) depend on, as it was when it was imported."""
        with self._lock:
            if not self._read:
                self._read = True
                self._read_files()
            known = self._fingerprints.get(modules)
            if known is None:
                known = self._fingerprints[modules] = self._digest(modules) if self._content else self._whole
            return known

    def _read_files(self) -> None:
        root = self._code.root
        for file in self._code.files():
            if file.suffix == ".py" and root is not None:
                self._add(file, root)
        if self._code.stamp() != self._stamp:  # what lies there is no longer what was imported
            self._content.clear()
        self._everywhere = {name for name in self._content if self._changes_others(name)}

    def _add(self, file: Path, root: Path) -> None:
        parts = list(file.relative_to(root).with_suffix("").parts) if root.is_dir() else []
        is_package = root.is_dir() and parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        try:
            self._content[name] = file.read_text("utf-8", "surrogateescape").replace("\\\n", " ")
        except OSError:
            return
        if is_package:
            self._is_package.add(name)

    def _digest(self, modules: Iterable[str]) -> str:
        waiting = list(self._everywhere)
        for module in modules:
            inner = self._inner(module)
            if inner is None or inner not in self._content:
                return self._whole
            waiting.append(inner)
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._imported_by(name)
        if len(found) == len(self._content):
            return self._whole
        summary = hashlib.blake2b(digest_size=16)
        for name in sorted(found):
            content = self._content[name].encode("utf-8", "surrogateescape")
            summary.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            summary.update(content)
        return summary.hexdigest()

    def _inner(self, module: str) -> str | None:
        if module == self.package:
            return ""
        return module.removeprefix(f"{self.package}.") if module.startswith(f"{self.package}.") else None

    def _imported_by(self, name: str) -> set[str]:
        known = self._imports.get(name)
        if known is None:
            known = self._imports[name] = self._read_imports(name)
        return known

    def _read_imports(self, name: str) -> set[str]:
        found = set(self._with_parents(name))
        for target, names in self._wires(name):
            found.update(self._with_parents(target))
            for member in names:
                found.update(self._with_parents(f"{target}.{member}" if target else member))
        text = self._content[name]
        if any(word in text for word in _COMPUTED) or (
            ("eval(" in text or "exec(" in text) and _COMPUTED_CODE.search(text)
        ):
            listed = _LISTED.search(text)
            if listed is None:
                return set(self._content)
            for module in _TEXT.findall(listed[1]):
                found.update(self._with_parents(self._inner(module) or ""))
        return found

    def _wires(self, name: str) -> Iterator[tuple[str, list[str]]]:
        """Imports that lie in this plugin: the module, and the names that are taken out of it."""
        text = self._content[name]
        for line in _lines_with_import(text):
            for dots, target, names, modules in _WIRE.findall(line):
                if modules:
                    for part in modules.split(","):
                        inner = self._inner(part.split()[0]) if part.strip() else None
                        if inner is not None:
                            yield inner, []
                    continue
                inner = self._relative(name, len(dots), target) if dots else self._inner(target)
                if inner is not None:
                    parts = names.partition("#")[0].partition(";")[0].strip("() ").split(",")
                    yield inner, [part.split()[0] for part in parts if part.strip()]

    def _relative(self, name: str, dots: int, target: str) -> str | None:
        parts = name.split(".") if name else []
        up = dots - (name in self._is_package)
        if up > len(parts):
            return None
        return ".".join([*parts[: len(parts) - up], *([target] if target else [])])

    def _with_parents(self, name: str) -> list[str]:
        """A module, and the packages above it, as far as they are files."""
        parts = name.split(".") if name else []
        every = (".".join(parts[:length]) for length in range(len(parts) + 1))
        return [part for part in every if part in self._content]

    def _changes_others(self, name: str) -> bool:
        """Whether importing a module may change what other modules do."""
        own = {member for _, names in self._wires(name) for member in names}
        for line in self._content[name].split("\n"):
            if line[:1] in " \t#)]}\"'" or not line:
                continue
            if line[0] == "@":
                called = _DECORATOR.match(line)
            elif _EFFECT.match(line):
                return True
            else:
                called = _ASSIGNED_CALL.match(line)
            if called is not None and called[1] in own and (line[0] == "@" or called[1][0].islower()):
                return True
        return False


def _lines_with_import(text: str) -> Iterator[str]:
    """Lines in which something is imported; names in brackets over several lines are put into one."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "import" not in line:
            continue
        if "(" in line and ")" not in line:
            rest = number + 1
            while rest < len(lines) and ")" not in lines[rest - 1]:
                line += " " + lines[rest].partition("#")[0]
                rest += 1
        yield line
