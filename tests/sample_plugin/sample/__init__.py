"""One node of every form that a plugin may have, to test what plugins are run in."""

from .forms import (
    chosen,
    count_down,
    doubled,
    greet_later,
    hello,
    keep,
    longest,
    measured,
    named,
    read_text,
    twice,
    write_text,
)
from .things import colour_of, lit, mixed
from .trouble import crash, forever, leave, raising

__all__ = [
    "chosen",
    "colour_of",
    "count_down",
    "crash",
    "doubled",
    "forever",
    "greet_later",
    "hello",
    "keep",
    "leave",
    "lit",
    "longest",
    "measured",
    "mixed",
    "named",
    "raising",
    "read_text",
    "twice",
    "write_text",
]
