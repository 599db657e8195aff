"""Request data reaches the file system through :mod:`server.storage.files` only."""

from __future__ import annotations

import ast
from pathlib import Path

ROUTES = Path(__file__).parents[2] / "server" / "routes"
TAINTED = {"match_info", "query", "headers", "cookies", "rel_url"}
OPENERS = {"Path", "open", "joinpath", "with_name", "unlink", "rename", "replace_file", "rmtree", "symlink_to"}


def _tainted(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Attribute) and inner.attr in TAINTED for inner in ast.walk(node))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def offences(source: str) -> list[int]:
    """Lines that join or open a path with request data."""
    tree = ast.parse(source)
    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _tainted(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def dirty(node: ast.AST) -> bool:
        return _tainted(node) or any(isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(node))

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and dirty(node.right):
            found.append(node.lineno)
        if isinstance(node, ast.Call) and _called(node) in OPENERS and any(dirty(argument) for argument in node.args):
            found.append(node.lineno)
    return found


def test_the_lint_sees_what_it_should() -> None:
    assert offences("name = request.match_info['name']\npath = root / name") == [2]
    assert offences("open(request.query['x'])") == [1]
    assert offences("found = open_named(folders, request.match_info['name'])") == []


def test_no_handler_makes_a_path_of_request_data() -> None:
    allowed = {("pages.py", "Path(name).suffix"), ("web_parts.py", "Path(name).suffix")}
    for file in ROUTES.glob("*.py"):
        source = file.read_text()
        lines = source.splitlines()
        for number in offences(source):
            line = lines[number - 1]
            assert any(file.name == name and text and text in line for name, text in allowed), (
                f"{file.name}:{number}: {line}"
            )
