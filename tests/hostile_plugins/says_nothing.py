# expected: documented failed its input 'value' is not described
# expected: documented failed its docstring should begin with a sentence
# expected: documented failed it has no category
"""Documents nothing."""

from kinograph import node


@node("says_nothing.Bad")
def bad(value: int = 1) -> int:
    return value
