"""Who may import whom (docs/design.md, section "Rooms"), read from the imports in the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("engine", "kinograph", "nodes", "server")
ENGINE_MAY = {"pydantic", "networkx"}
FLOORS = {
    "engine": ["document", "node_types", "cache", "graph", "plugins", "planning", "execution", "isolation"],
    "server": ["contract", "storage", "events", "workers", "jobs", "http", "routes"],
}
"""Rooms of a package from the ground up: each imports those before it, and modules outside of all rooms."""


def modules(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "static" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Names that a file imports, and whether the import stands at module level (not for type checkers only)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in tree.body
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node in tree.body


def runtime_imports(path: Path) -> Iterator[str]:
    """The same without what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    for_types = {id(inner) for branch in guarded for inner in ast.walk(branch)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0 and id(node) not in for_types:
            yield node.module


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name, _ in imports(path)}


def test_engine_depends_on_the_standard_library_pydantic_and_networkx_only() -> None:
    allowed = set(sys.stdlib_module_names) | ENGINE_MAY | {"engine"}
    foreign = {str(path.relative_to(ROOT)): roots(path) - allowed for path in modules("engine")}
    assert {path: names for path, names in foreign.items() if names} == {}


@pytest.mark.parametrize("package", FLOORS)
def test_no_room_imports_one_above_it(package: str) -> None:
    floors = FLOORS[package]
    assert {path.parent.name for path in modules(package) if path.name != "__init__.py"} <= {package, *floors}
    for path in modules(package):
        if path.parent.name in floors:
            above = floors[floors.index(path.parent.name) + 1 :]
            taken = {name.split(".")[1] for name in runtime_imports(path) if name.startswith(f"{package}.")}
            assert not taken & set(above), f"{path} imports from {taken & set(above)}"


@pytest.mark.parametrize("folder", ["nodes/models", "nodes/sampling"])
def test_models_and_sampling_import_only_each_other_of_ours(folder: str) -> None:
    for path in modules(folder):
        ours = {name for name, _ in imports(path) if name.partition(".")[0] in OURS}
        assert all(name.startswith(("nodes.models", "nodes.sampling")) for name in ours), f"{path}: {ours}"


def test_nodes_use_the_public_face_and_not_the_engine() -> None:
    bridge = {"tensors.py", "viewing.py"}  # torch for the engine: adapters and viewers are the engine's own contract
    for path in modules("nodes"):
        if path.name not in bridge:
            assert "engine" not in roots(path), path
        assert "server" not in roots(path), path


def test_the_server_reaches_nodes_only_through_discovery_and_never_imports_torch() -> None:
    for path in modules("server"):
        assert not {"nodes", "torch"} & roots(path), path


def test_the_face_reaches_the_server_lazily() -> None:
    for path in modules("kinograph"):
        eager = {name.partition(".")[0] for name, at_top in imports(path) if at_top}
        assert not {"server", "torch", "aiohttp", "nodes"} & eager, path


def imported_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import kinograph",
        "import engine.runtime",
        "import server.main",
        "from engine.plugins.discovery import discover; assert not discover().errors",
    ],
)
def test_nothing_light_imports_torch(statement: str) -> None:
    assert "torch" not in imported_after(statement)


def test_no_source_file_grows_a_second_subject() -> None:
    long = {}
    for folder in OURS:
        for path in modules(folder):
            count = len(path.read_text(encoding="utf-8").splitlines())
            if count > 420:
                long[str(path.relative_to(ROOT))] = count
    assert long == {}
