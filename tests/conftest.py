"""For all tests: one that fills memory must not take the machine along."""

from tests.memory_guard import pytest_configure, pytest_runtest_call

__all__ = ["pytest_configure", "pytest_runtest_call"]
