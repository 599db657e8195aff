# expected: contained failed processes: subprocess.Popen
"""Starts a program."""

import subprocess

from kinograph import node


@node("starts_programs.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Starts a program.

    Args:
        value: a number.
    """
    return len(subprocess.run(["id"], capture_output=True).stdout) + value
