"""How a run of whole folders is spread over processes.

``pytest`` on everything, or on a folder, runs one process per processor; on single files or tests it runs in one, as it
does with ``-n 0``. The tests of a file stay together, and those of some folders too: what their fixtures share is dear.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_MOST = 8
_TOGETHER = ("tests/browser", "tests/faults", "tests/security", "tests/server", "tests/engine/isolation")
"""Folders whose tests wait for real processes, or install packages. They begin first, so that none of them is left
alone at the end."""

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each process has one processor
    if "KINOGRAPH_DATA_DIR" in os.environ:  # and a data folder
        os.environ["KINOGRAPH_DATA_DIR"] += f"/{os.environ['PYTEST_XDIST_WORKER']}"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For ``-n auto``: how many processes."""
    if not all(Path(argument).is_dir() for argument in config.args):
        return 0
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, _MOST) if processors > 1 else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Who gives the processes their tests."""
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """What stays together with a test."""
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder in _TOGETHER else file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first; otherwise the order stays."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.nodeid.partition("::")[0].rpartition("/")[0]
    return _TOGETHER.index(folder) if folder in _TOGETHER else len(_TOGETHER)
