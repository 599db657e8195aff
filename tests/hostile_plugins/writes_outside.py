# expected: contained failed files: writes
"""Writes outside its folders."""

from pathlib import Path

from kinograph import node


@node("writes_outside.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Writes outside its folders.

    Args:
        value: a number.
    """
    (Path.home() / "planted").write_text(str(value))
    return value
