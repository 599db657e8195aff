# expected: state failed it changed environment variables
"""Changes environment variables."""

import os

from kinograph import node


@node("changes_environment.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Changes environment variables.

    Args:
        value: a number.
    """
    os.environ["HTTP_PROXY"] = "http://127.0.0.1:9"
    return value
