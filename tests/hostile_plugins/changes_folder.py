# expected: state failed it changed the working directory
"""Changes the working directory."""

import os

from kinograph import node


@node("changes_folder.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Changes the working directory.

    Args:
        value: a number.
    """
    os.chdir("/")
    return value
