# expected: import failed files: writes
"""Writes into the home folder while it is imported."""

from pathlib import Path

from kinograph import node

(Path.home() / "planted").write_text("x")


@node("writes_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
