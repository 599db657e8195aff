"""Tiny checkpoints of real families, each written once for all tests that only read it."""

from collections.abc import Callable
from pathlib import Path

import pytest

Checkpoint = Callable[[str], Path]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The folder of a tiny checkpoint by name; a test that changes files copies it first."""
    from tests.nodes.families.checkpoints import CHECKPOINTS, FROM_PICTURES, OTHERS

    written: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in written:
            written[name] = (CHECKPOINTS | FROM_PICTURES | OTHERS)[name](tmp_path_factory.mktemp(name))
        return written[name]

    return folder
