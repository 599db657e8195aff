"""What plugins cost: a start with none and with a hundred, new and known, and how soon a saved file is seen.

    python benchmarks/plugins.py             # all: some minutes
    python benchmarks/plugins.py reload      # only how soon a saved file is seen; or: start

Each plugin is the package that ``kinograph plugins new`` makes: three nodes; torch comes in when they run. "New"
plugins are tried out in a process beside the worker first; "known" ones were, and have not changed since.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load.common import LiveServer, row
from kinograph.commands.main import run_command

COUNT = 100
STARTS = 3


def make_plugins(folder: Path, count: int) -> None:
    """Drop-in packages, each with nodes of its own name."""
    for number in range(count):
        with contextlib.redirect_stdout(io.StringIO()):
            run_command(["plugins", "new", f"pack{number}", "--folder", str(folder / f"project{number}")])
        package = folder / f"project{number}" / f"pack{number}"
        (folder / "data" / "plugins").mkdir(parents=True, exist_ok=True)
        (folder / "data" / "plugins" / package.name).symlink_to(package, target_is_directory=True)


def node_types(server: LiveServer) -> int:
    """How many node types the editor is told of; 0 while there is no answer."""
    answer = server.get("/api/node-types")
    return len(answer.json()["node_types"]) if answer.status == 200 else 0


def measure_start(server: LiveServer, what: str, most: int) -> None:
    """From the start of the process to the first page, and to all node types; the best of some starts."""
    pages, completes = [], []
    for _ in range(1 if "new" in what else STARTS):
        began = time.monotonic()
        server.start(ready=False)
        server.wait(lambda: server.get("/").status == 200)
        pages.append(time.monotonic() - began)
        server.wait(lambda: node_types(server) >= most, 600)
        completes.append(time.monotonic() - began)
        server.stop()
    row(f"{what}: first page", f"{min(pages):.2f} s", "< 1 s")
    row(f"{what}: all nodes are there", f"{min(completes):.2f} s")


def measure_reload(server: LiveServer, folder: Path) -> None:
    """From saving a file to a new node in what the editor asks for."""
    server.start()
    server.wait(lambda: node_types(server) >= 3 * COUNT, 600)
    file = folder / "project7" / "pack7" / "__init__.py"
    file.write_text(f"{file.read_text()}\nfrom kinograph import node\n")
    times = []
    for number in range(5):
        known = node_types(server)
        function = f"def more{number}() -> int:\n    '''Give a number.'''\n    return {number}\n"
        file.write_text(f"{file.read_text()}\n\n@node('pack7.More{number}', category='pack7')\n{function}")
        began = time.monotonic()
        server.wait(lambda: node_types(server) > known)  # noqa: B023 - called before the loop goes on
        times.append(time.monotonic() - began)
    server.stop()
    row("a saved file of one of them: its new node is there", f"{sorted(times)[2]:.2f} s (of 5)", "< 1 s")


def main(sections: list[str]) -> None:
    """Print one table."""
    folder = partial(tempfile.TemporaryDirectory, ignore_cleanup_errors=True)
    with folder() as none, folder() as many:
        own = 0
        if "start" in sections:
            server = LiveServer(Path(none) / "data", plugins=None)
            server.start()  # compiles files, once
            own = node_types(server)
            server.stop()
            measure_start(server, "no plugin", own)
        make_plugins(Path(many), COUNT)
        server = LiveServer(Path(many) / "data", plugins=None)
        if "start" in sections:
            measure_start(server, f"{COUNT} new plugins", own + 3 * COUNT)
            measure_start(server, f"{COUNT} known plugins", own + 3 * COUNT)
        if "reload" in sections:
            measure_reload(server, Path(many))


if __name__ == "__main__":
    main(sys.argv[1:] or ["start", "reload"])
