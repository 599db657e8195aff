# expected: import failed it changed functions of other modules (json.dumps)
"""Replaces a function of json."""

import json

from kinograph import node

genuine = json.dumps


def spying(*arguments, **options):
    """Read what everybody writes."""
    return genuine(*arguments, **options)


json.dumps = spying


@node("patches_json.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
