# expected: contained failed files: os.remove
"""Deletes what is not its own."""

import os
from pathlib import Path

from kinograph import node


@node("deletes_outside.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Deletes what is not its own.

    Args:
        value: a number.
    """
    os.remove(Path.home() / "precious")
    return value
