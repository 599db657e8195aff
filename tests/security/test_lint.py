"""Request data reaches the file system through :mod:`server.storage.files` only.

Where a value comes from cannot be seen in a text for certain. So the rooms that see requests may not join or open paths
at all, but for the lines that are written out here with what makes each of them harmless; and they may not import what
does so elsewhere.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"
ROOMS = ("routes", "http")
"""The rooms that see requests."""

TOUCHING = frozenset(
    """
    Path PurePath PosixPath PurePosixPath joinpath with_name with_suffix with_stem with_segments relative_to resolve
    open fdopen FileIO FileResponse sendfile fspath abspath realpath readlink exists lexists is_file is_dir is_symlink
    stat lstat listdir scandir iterdir glob rglob walk read_text read_bytes write_text write_bytes touch unlink remove
    removedirs rmdir rmtree rename renames link hardlink_to symlink symlink_to mkdir makedirs chmod chown truncate copy
    copy2 copyfile copytree move make_archive unpack_archive mkstemp mkdtemp mknod mkfifo utime getsize memmap
    """.split()  # noqa: SIM905 (a list of fifty would be fifty lines)
)
"""Calls that make a path of something or touch what it names, by their last name."""

HARMLESS = {
    "routes/pages.py": {
        "request.app[STATIC] / 'index.html'",  # a literal below a folder of ours
        "file.is_file",  # the same
        "file.read_bytes",
        "Path(name).suffix",  # only its ending is looked at
    },
    "routes/web_parts.py": {
        "PACKAGE / 'frame.html'",
        "_FRAME.read_text(encoding='utf-8')",
        "Path(name).suffix",
    },
    "routes/files.py": {"request.app[FOLDERS].data / 'cache' / 'thumbnails'"},
    "routes/workflows.py": {"request.app[WORKFLOWS].rename"},  # rows of the database
    "routes/system.py": {"Path('/proc/self/statm').read_text()"},
    "routes/uploads.py": {
        "Path(saved).suffix",
        "Path(cleaned).suffix",
        "Path(name).stem",
        "Path(name).suffix",
        "folder.mkdir(parents=True, exist_ok=True)",
        "folder / f'.{os.urandom(8).hex()}.partial'",  # random
        "temporary.open('xb')",
        "temporary.unlink()",
        "os.link(temporary, Folders.inside(folder, chosen), follow_symlinks=False)",  # the one path function
        "folder.exists()",
    },
    "http/thumbnails.py": {
        "folder / f'{hashlib.sha256(identity.encode()).hexdigest()[:32]}.webp'",  # a digest
        "kept.read_bytes",
        "path.parent.mkdir(parents=True, exist_ok=True)",
        "path.with_name(f'.{path.name}.{os.getpid()}.{os.urandom(3).hex()}')",
        "temporary.write_bytes(data)",
    },
    "http/thumbnailer.py": {"Image.open(source, formats=[_FORMATS[media_type]])"},  # standard input, or bytes
    "http/body.py": {"size / seconds"},  # a division
    "http/keys.py": {"web.AppKey('static', Path)"},  # a type
}
"""By file, the expressions that look like a path and are none of a request's."""

PATH_TAKERS = frozenset(
    {"server.jobs.leftovers", "server.jobs.results", "server.storage.salvage", "server.storage.lock"}
)
"""Modules of the server that make paths of names which they are given."""


def _is_path(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return True
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
        return True
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    if isinstance(node, ast.Attribute) and node.attr == "join":  # of a literal: texts; of a hub: listeners
        return isinstance(node.value, ast.Name) or ast.unparse(node.value).endswith("path")
    return (node.attr if isinstance(node, ast.Attribute) else node.id) in TOUCHING


def offences(source: str, harmless: frozenset[str] = frozenset()) -> list[str]:
    """Expressions that join, make or open a path, without those that stand within a harmless one."""
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.expr) and ast.unparse(node) in harmless:
            continue
        if _is_path(node):
            found.append(f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)}")
        waiting += [child for child in ast.iter_child_nodes(node) if not _annotates(node, child)]
    return found


def _annotates(node: ast.AST, child: ast.AST) -> bool:
    """Whether ``child`` says of what type something is."""
    return child in (getattr(node, "annotation", None), getattr(node, "returns", None))


@pytest.mark.parametrize(
    "source",
    [
        "path = root / request.match_info['name']",
        "name = request.match_info['name']\nrest = name\npath = root / rest",
        "path = root / 'safe' / (await request.json())['x']",
        "root /= request.query['x']",
        "path = os.path.join(root, name)",
        "from os.path import join as together\npath = together(root, name)",
        "(first, second) = request.query.values()\nopen(f'{root}/{first}')",
        "if (name := request.query.get('n')):\n    Path(root, name).read_bytes()",
        "make = Path\nmake(request.query['x'])",
        "await asyncio.to_thread(shutil.rmtree, name)",
        "return web.FileResponse(given)",
        "os.open(name, os.O_RDONLY, dir_fd=root)",
        "(lambda part: root.joinpath(part))(request.cookies['x'])",
        "getattr(Path(root), 'joinpath')(name)",
    ],
)
def test_the_lint_sees_every_way_that_was_tried(source: str) -> None:
    assert offences(source) or imports(source) & {"os.path"}


def test_the_lint_lets_the_path_function_pass() -> None:
    assert offences("found = await asyncio.to_thread(open_named, folders, request.match_info['name'])") == []
    assert offences("def page(root: Path) -> Path: ...") == []


def files() -> list[tuple[str, str]]:
    return [
        (path.relative_to(SERVER).as_posix(), path.read_text())
        for room in ROOMS
        for path in (SERVER / room).glob("*.py")
    ]


def test_no_room_that_sees_requests_makes_a_path() -> None:
    found = {name: offences(text, frozenset(HARMLESS.get(name, ()))) for name, text in files()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_every_exception_is_still_needed() -> None:
    texts = dict(files())
    unneeded = [
        (name, line)
        for name, lines in HARMLESS.items()
        for line in lines
        if len(offences(texts[name], frozenset(lines - {line}))) == len(offences(texts[name], frozenset(lines)))
    ]
    assert unneeded == []


def imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_room_that_sees_requests_imports_what_makes_paths_elsewhere() -> None:
    forbidden = PATH_TAKERS | {
        "os.path",
        "posixpath",
        "glob",
        "tempfile",
        "fileinput",
        "linecache",
        "zipfile",
        "tarfile",
    }
    assert {name: imports(text) & forbidden for name, text in files() if imports(text) & forbidden} == {}
