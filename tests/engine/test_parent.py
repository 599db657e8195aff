"""Whoever runs foreign code is killed: what it has started does not outlive it, not even in a loop without an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's end")

ENDLESS = "import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n"
"""Holds the interpreter, so that no thread of the process can do anything."""
NODE = """
from kinograph import node

@node("endless.Node", category="tests")
def endless() -> int:
    '''Never end.'''
    import re
    re.match("(a+)+$", "a" * 60 + "b")
    return 1
"""
IMPORTED = """
import sys
from pathlib import Path
from engine.plugins.discovery import discover
from engine.plugins.trials import Trials

discover([Path(sys.argv[1])], Trials(Path(sys.argv[1]) / "memory.json", hang=300.0))
"""
CHECKED = """
import sys
from pathlib import Path
from kinograph.conformance import check_plugin

check_plugin(Path(sys.argv[1]) / "endless.py", stage_seconds=300.0)
"""


def descendants(process: int) -> Iterator[int]:
    """All processes below one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    waiting = [process]
    while waiting:
        found = parents.get(waiting.pop(), [])
        waiting += found
        yield from found


def computing(process: int) -> bool:
    """Whether a process has used a second of processor time in Python code by now."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(words[11]) > os.sysconf("SC_CLK_TCK")


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(what: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("script", "plugin"), [(IMPORTED, ENDLESS), (CHECKED, NODE)], ids=["trial", "check"])
def test_foreign_code_ends_with_the_one_who_tries_it(script: str, plugin: str, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(plugin)
    started = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    try:
        until(lambda: any(computing(child) for child in descendants(started.pid)), 60)
        children = list(descendants(started.pid))
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    until(lambda: not any(map(alive, children)), 5)
