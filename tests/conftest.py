"""For all tests: one that fills memory must not take the machine along; whole folders are spread over processes; and
what is told at the end."""

import os

from tests.memory_guard import pytest_configure, pytest_runtest_call
from tests.security.summary import pytest_runtest_logreport, pytest_terminal_summary
from tests.spreading import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

os.environ.pop("PYTHONUNBUFFERED", None)  # as on most people's machines: output that waits in a buffer is noticed

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_call",
    "pytest_runtest_logreport",
    "pytest_terminal_summary",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]
