"""A person decides whether the rest runs."""

from __future__ import annotations

from typing import Annotated, Any

from kinograph import Block, NodeContext, Widget, node

CHOICES = ("approve", "decline")


@node("Approve", category="logic", keywords=("human", "pause", "review", "gate", "wait", "confirm"), lane="io")
def approve(
    context: NodeContext,
    value: Any,
    question: Annotated[str, Widget(multiline=True)] = "Go on with this?",
) -> Any:
    """Wait until a person approves a value; what follows runs only then.

    A value that was approved once is not asked for again as long as it stays the same. Declining skips what follows
    without an error.

    Args:
        value: what to approve; it passes through unchanged.
        question: what the person is asked.

    Returns:
        value: the same value, once approved.
    """
    answer = context.ask(question, CHOICES)
    return value if answer == CHOICES[0] else Block("a person declined")
