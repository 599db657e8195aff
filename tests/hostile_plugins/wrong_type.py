# expected: runs failed is declared as int, but the node returned str
"""Returns something else than it declares."""

from kinograph import node


@node("wrong_type.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Returns something else than it declares.

    Args:
        value: a number.
    """
    return str(value)
