# expected: runs failed what it shows (ui) must be JSON
"""Shows what is no JSON."""

from kinograph import Display, node


@node("not_json.Bad", category="hostile")
def bad(value: int = 1) -> Display[int]:
    """Shows what is no JSON.

    Args:
        value: a number.
    """
    return Display(value, {"thing": object()})
