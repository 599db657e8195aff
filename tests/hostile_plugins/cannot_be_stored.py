# expected: stored failed its outputs cannot be stored
"""Returns an object that no cache can keep."""

from kinograph import node


class Thing:
    """A class without a form on disk."""


@node("cannot_be_stored.Bad", category="hostile")
def bad() -> Thing:
    """Make a thing."""
    return Thing()
