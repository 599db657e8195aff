"""Version 1: colours are triples."""

VERSION = 1


def red():  # type: ignore[no-untyped-def]
    """Red as numbers in 0..255."""
    return (255, 0, 0)
