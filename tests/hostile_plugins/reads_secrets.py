# expected: contained failed files: reads
"""Reads private keys."""

from pathlib import Path

from kinograph import node


@node("reads_secrets.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Reads private keys.

    Args:
        value: a number.
    """
    return len((Path.home() / ".ssh" / "id_ed25519").read_text()) + value
