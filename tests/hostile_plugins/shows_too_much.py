# expected: runs failed what it shows (ui) is larger than
"""Shows megabytes."""

from kinograph import Display, node


@node("shows_too_much.Bad", category="hostile")
def bad(value: int = 1) -> Display[int]:
    """Shows megabytes.

    Args:
        value: a number.
    """
    return Display(value, {"text": "x" * 5_000_000})
