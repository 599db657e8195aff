"""Nodes that decide: what is not chosen is never computed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from kinograph import Block, Field, InvalidInput, Lazy, Widget, node
from nodes.clips.facts import common, computed

Comparison = Literal["equal", "not_equal", "less", "less_or_equal", "greater", "greater_or_equal"]


def _infer_if(condition: Any, then: Any, otherwise: Any) -> Any:
    if isinstance(condition, bool):
        return then if condition else otherwise
    return common([then, otherwise])


@node(
    "If",
    category="logic",
    keywords=("condition", "branch", "choose", "else", "ternary", "switch"),
    infer=_infer_if,
)
def if_node(condition: bool, then: Lazy[Any] = None, otherwise: Lazy[Any] = None) -> Any:  # type: ignore[assignment]  # nothing connected
    """One of two values; only the chosen one is computed.

    Args:
        condition: which one.
        then: passed on when the condition is true.
        otherwise: passed on when it is false. Where nothing is connected, what follows is skipped.

    Returns:
        value: the chosen value.
    """
    name = "then" if condition else "otherwise"
    return _ask(then if condition else otherwise, name)


def _ask(chosen: Any, name: str) -> Any:
    value = chosen() if isinstance(chosen, Lazy) else chosen
    return Block(f"nothing is connected to {name!r}") if value is None else value


def _infer_switch(**inputs: Any) -> Any:
    index = inputs.get("index")
    items = {name: value for name, value in inputs.items() if name.startswith("items.")}
    return items.get(f"items.{index}") if isinstance(index, int) else common(list(items.values()))


@node(
    "Switch",
    category="logic",
    keywords=("choose", "select", "route", "case", "multiplexer", "index"),
    infer=_infer_switch,
)
def switch(*items: Lazy[Any | None], index: Annotated[int, Field(ge=0, le=1000)] = 0) -> Any:
    """One of several values, by number; only the chosen one is computed.

    Args:
        items: the values. One of them may be left free.
        index: which one, by the number of its input; the first is 0.

    Returns:
        value: the chosen value.
    """
    if not 0 <= index < len(items):
        wanted = f"0 to {len(items) - 1}" if items else "at least one wire"
        raise InvalidInput("index", f"there is no input items.{index} with a wire", wanted=wanted, example=0)
    return _ask(items[index], f"items.{index}")


@node("Gate", category="logic", keywords=("block", "stop", "pass", "skip", "mute", "condition"))
def gate(value: Lazy[Any], open: bool = True) -> Any:
    """Pass a value on, or skip everything that follows. What is not passed on is not computed.

    Args:
        value: the value.
        open: whether it is passed on.

    Returns:
        value: the same value.
    """
    return value() if open else Block("the gate is closed")


def _compared(a: Any, b: Any, operation: str) -> bool:
    return compare(a, b, operation)  # type: ignore[arg-type]  # an unknown word is reported by the check


@node(
    "Compare",
    category="logic",
    keywords=("equal", "less", "greater", "than", "condition", "test", "same"),
    infer=computed(_compared),
)
def compare(
    a: Annotated[int | float | str | bool, Widget(kind="text")],
    b: Annotated[int | float | str | bool, Widget(kind="text")],
    operation: Comparison = "equal",
) -> bool:
    """Compare two numbers or two texts.

    Args:
        a: the first one.
        b: the second one; of the same kind, except for (not) equal.
        operation: ``equal``, ``not_equal``, ``less``, ``less_or_equal``, ``greater`` or ``greater_or_equal``.
            Texts are ordered by character code. A text that says a number counts as one beside a number.

    Returns:
        value: true or false.
    """
    import operator

    a, b = _alike(a, b)
    alike = isinstance(a, str) == isinstance(b, str) and isinstance(a, bool) == isinstance(b, bool)
    if operation in ("equal", "not_equal"):
        return (alike and a == b) == (operation == "equal")
    if not alike or isinstance(a, bool):
        kinds = f"{type(a).__name__} and {type(b).__name__}"
        raise InvalidInput("b", f"{kinds} have no order", wanted="two numbers or two texts")
    functions = {
        "less": operator.lt,
        "less_or_equal": operator.le,
        "greater": operator.gt,
        "greater_or_equal": operator.ge,
    }
    return bool(functions[operation](a, b))


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Where a number meets a text that says a number (as typed into a field), both as numbers."""
    for text, other, swapped in ((a, b, False), (b, a, True)):
        if isinstance(text, str) and isinstance(other, int | float) and not isinstance(other, bool):
            try:
                number = float(text)
            except ValueError:
                return a, b
            return (other, number) if swapped else (number, other)
    return a, b


@node("And", category="logic", keywords=("all", "both", "every", "condition"))
def and_node(*items: Lazy[bool]) -> bool:
    """Whether all are true. Once one is false, the others are not computed; without any, the answer is true.

    Args:
        items: the conditions.

    Returns:
        value: true or false.
    """
    return all(item() if isinstance(item, Lazy) else item for item in items)


@node("Or", category="logic", keywords=("any", "either", "some", "condition"))
def or_node(*items: Lazy[bool]) -> bool:
    """Whether at least one is true. Once one is true, the others are not computed; without any, it is false.

    Args:
        items: the conditions.

    Returns:
        value: true or false.
    """
    return any(item() if isinstance(item, Lazy) else item for item in items)


def _negated(value: bool) -> bool:
    return not value


@node("Not", category="logic", keywords=("invert", "negate", "opposite", "condition"), infer=computed(_negated))
def not_node(value: bool) -> bool:
    """The opposite.

    Args:
        value: true or false.

    Returns:
        value: false or true.
    """
    return not value


def _infer_same(value: Any) -> Any:
    return value


@node("Reroute", category="utilities", keywords=("wire", "dot", "bend", "pass", "relay"), infer=_infer_same)
def reroute(value: Any) -> Any:
    """Pass a value on unchanged; it keeps wires tidy.

    Args:
        value: anything.

    Returns:
        value: the same value.
    """
    return value


@node("Note", category="utilities", keywords=("comment", "text", "remark", "explain", "sticky", "markdown"))
def note(text: Annotated[str, Widget(multiline=True, placeholder="Write Markdown here")] = "") -> None:
    """A remark for people who read the workflow. It never runs.

    Args:
        text: Markdown.
    """
