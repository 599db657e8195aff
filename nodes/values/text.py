"""Nodes that work with text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from kinograph import Field, InvalidInput, Widget, node
from nodes.clips.facts import computed
from nodes.values.primitives import SAFE_INTEGER

_MAX_TEXT = 5_000_000
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w{1,64})(?::(0?\d{0,3}(?:\.\d{1,2})?[dfeg%]?))?\}")


def as_text(value: Any) -> str:
    """A value as people write it: ``1.5``, ``true``, lists by commas, texts as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    return str(value)


def _bounded(text: str, socket: str) -> str:
    if len(text) > _MAX_TEXT:
        raise InvalidInput(socket, f"the result has {len(text):,} characters", wanted=f"at most {_MAX_TEXT:,}")
    return text


@node("JoinText", category="text", keywords=("concatenate", "combine", "append", "string", "merge", "prompt"))
def join_text(
    *items: Any,
    separator: Annotated[str, Widget(multiline=True)] = ", ",
    skip_empty: bool = True,
) -> str:
    """Put texts one behind the other.

    Args:
        items: texts, numbers, or lists of them.
        separator: what stands between them.
        skip_empty: leave out empty texts.

    Returns:
        value: the joined text.
    """
    parts: list[str] = []
    for item in items:
        parts += [as_text(part) for part in item] if isinstance(item, list) else [as_text(item)]
    return _bounded(separator.join(part for part in parts if part or not skip_empty), "items.0")


def _replaced(text: str, find: str, replace: str, ignore_case: bool) -> str:
    return replace_text(text, find, replace, ignore_case)


@node(
    "ReplaceText",
    category="text",
    keywords=("substitute", "find", "search", "exchange", "string"),
    infer=computed(_replaced),
)
def replace_text(
    text: Annotated[str, Widget(multiline=True)],
    find: str = "",
    replace: str = "",
    ignore_case: bool = False,
) -> str:
    """Replace words in a text, wherever they stand.

    Args:
        text: the text.
        find: what is looked for, letter by letter; where it is empty, the text stays as it is.
        replace: what stands there instead.
        ignore_case: treat capital and small letters alike.

    Returns:
        value: the changed text.
    """
    if not find:
        return text
    if len(text) + text.count(find) * len(replace) > _MAX_TEXT:
        raise InvalidInput("replace", "the result would be too long", wanted=f"at most {_MAX_TEXT:,} characters")
    if ignore_case:
        return _bounded(re.sub(re.escape(find), lambda _: replace, text, flags=re.IGNORECASE), "replace")
    return text.replace(find, replace)


@node(
    "FormatText",
    category="text",
    keywords=("template", "placeholder", "insert", "variables", "string", "prompt"),
)
def format_text(
    template: Annotated[str, Widget(multiline=True, placeholder="a {color} ball, {count} times")] = "",
    **values: int | float | str | bool,
) -> str:
    """Fill values into a text.

    ``{name}`` stands for the input ``values.name``; ``{name:.2f}`` writes a number with two decimals,
    ``{name:03d}`` with three digits. Braces themselves are written twice: ``{{`` and ``}}``.

    Args:
        template: the text with names in braces.
        values: what is filled in: texts or numbers. A list gives one text per item.

    Returns:
        value: the text.
    """

    def fill(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in values) or "none is connected"
            raise InvalidInput("template", f"nothing is connected as {match[0]}", wanted=f"one of: {known}")
        value, style = values[match[1]], match[2]
        if not style:
            return as_text(value)
        try:
            return format(round(value) if style[-1] == "d" and isinstance(value, float) else value, style)
        except (ValueError, TypeError) as error:
            message = f"{match[0]} cannot write {as_text(value)[:60]!r}: {error}"
            raise InvalidInput("template", message, wanted="a number") from error

    return _bounded(_PLACEHOLDER.sub(fill, template), "template")


def _cased(text: str, style: str) -> str:
    return change_case(text, style)  # type: ignore[arg-type]  # an unknown word is reported by the check


@node(
    "ChangeCase",
    category="text",
    keywords=("upper", "lower", "capital", "title", "trim", "strip"),
    infer=computed(_cased),
)
def change_case(
    text: Annotated[str, Widget(multiline=True)],
    style: Literal["lower", "upper", "title", "sentence", "trim"] = "lower",
) -> str:
    """Change capital and small letters, or cut off spaces at both ends.

    Args:
        text: the text.
        style: ``lower``, ``upper``, ``title`` (Every Word), ``sentence`` (first letter) or ``trim`` (only
            spaces).

    Returns:
        value: the changed text.
    """
    change: dict[str, Callable[[], str]] = {
        "lower": text.lower,
        "upper": text.upper,
        "title": text.title,
        "sentence": lambda: text[:1].upper() + text[1:],
        "trim": text.strip,
    }
    return change[style]()


@node("SplitText", category="text", keywords=("lines", "list", "separate", "comma", "batch prompts"))
def split_text(
    text: Annotated[str, Widget(multiline=True)],
    separator: Annotated[str, Widget(placeholder="a line break")] = "",
    skip_empty: bool = True,
) -> list[str]:
    """Cut a text into a list; nodes behind it run once per item, e.g. once per prompt.

    Args:
        text: the text.
        separator: where it is cut; at line breaks where this is empty.
        skip_empty: leave out parts that are empty or only spaces.

    Returns:
        values: the parts, without spaces at their ends.
    """
    parts = [part.strip() for part in (text.split(separator) if separator else text.splitlines())]
    return [part for part in parts if part or not skip_empty]


class TextFacts(NamedTuple):
    """How long a text is."""

    characters: int
    words: int
    lines: int


@node("TextLength", category="text", keywords=("count", "words", "characters", "lines", "size"))
def text_length(text: Annotated[str, Widget(multiline=True)]) -> TextFacts:
    """How long a text is.

    Args:
        text: the text.

    Returns:
        characters: number of characters.
        words: number of words.
        lines: number of lines.
    """
    return TextFacts(len(text), len(text.split()), len(text.splitlines()))


@node("TextContains", category="text", keywords=("search", "find", "includes", "match", "condition"))
def text_contains(text: Annotated[str, Widget(multiline=True)], find: str, ignore_case: bool = True) -> bool:
    """Whether a text has another one in it.

    Args:
        text: the text.
        find: what is looked for, letter by letter.
        ignore_case: treat capital and small letters alike.

    Returns:
        value: true or false.
    """
    return find.casefold() in text.casefold() if ignore_case else find in text


@node("ToText", category="text", keywords=("string", "convert", "number to text", "str"))
def to_text(value: Any) -> str:
    """A number, a truth value or a list as text.

    Args:
        value: what is written out.

    Returns:
        value: the text, such as ``1.5``, ``true`` or ``1, 2, 3``.
    """
    return _bounded(as_text(value), "value")


@node("ToNumber", category="text", keywords=("parse", "convert", "text to number", "int", "float"))
def to_number(text: str) -> float:
    """The number that a text says.

    Args:
        text: such as ``42``, ``-1.5`` or ``2e3``; spaces around it do not matter.

    Returns:
        value: the number.
    """
    try:
        number = float(text.strip().replace("_", "x"))
    except ValueError:
        number = float("nan")
    if number - number != 0:  # not finite
        raise InvalidInput("text", f"{text[:60]!r} is no number", wanted="a number", example="1.5")
    return number


@node("RandomLine", category="text", keywords=("wildcard", "choose", "pick", "dynamic prompt", "variation"))
def random_line(
    text: Annotated[str, Widget(multiline=True)],
    seed: Annotated[int, Field(ge=0, le=SAFE_INTEGER), Widget(kind="seed")] = 0,
) -> str:
    """One line of a text, chosen by a seed.

    Args:
        text: one possibility per line; empty lines do not count.
        seed: from 0 to 2^53 - 1; the same one chooses the same line.

    Returns:
        value: the line.
    """
    import random

    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InvalidInput("text", "there is no line to choose from", wanted="at least one line", example="red\nblue")
    return random.Random(seed).choice(lines)
