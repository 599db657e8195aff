"""Loops: a piece of a graph that runs several times, handing its results on to its next turn.

The body is a sub-graph, a value of the loop node. A loop unrolls while it runs: every turn is a copy of the body, so
each inner node is cached by what it reads, and changing the last turn runs only the last turn.
"""

from __future__ import annotations

from typing import Annotated, Any

from kinograph import Expansion, Field, InvalidInput, Lazy, Outputs, Subgraph, Widget, node

MAX_TURNS = 100_000
Body = Annotated[Subgraph, Widget(kind="subgraph")]


@node(
    "Subgraph",
    category="logic/loops",
    keywords=("sub-graph", "group", "block", "macro", "function", "component", "nest"),
)
def run_subgraph(body: Body, **inputs: Lazy[Any]) -> Outputs[Any]:
    """Several nodes that stand as one.

    Written in a workflow, it is never called: the nodes of its body run in its place, as ordinary nodes. What is
    below is for nodes that place one while they run.

    Args:
        body: the sub-graph; its inputs and outputs are this node's.
        inputs: the sub-graph's inputs, by their names.
    """
    expansion = Expansion()
    expansion.outputs.update(_place(expansion, body, inputs, "body"))
    return expansion  # type: ignore[return-value]  # an expansion stands for the outputs


@node("ForLoop", category="logic/loops", keywords=("repeat", "iterate", "times", "accumulate"))
def for_loop(
    body: Body,
    count: Annotated[int, Field(ge=0, le=MAX_TURNS)] = 2,
    **state: Lazy[Any],
) -> Outputs[Any]:
    """Run a sub-graph a number of times, carrying values from each turn to the next.

    The body receives ``index`` (0, 1, 2 ...) and the carried values by their names. What it gives out under the same
    names is what the next turn receives, and after the last turn what the loop gives out.

    Args:
        body: the sub-graph of one turn.
        count: how many turns; with 0 the carried values pass through unchanged.
        state: the carried values before the first turn, by their names.
    """
    expansion = Expansion()
    carried: dict[str, Any] = dict(state)
    for index in range(count):
        made = _place(expansion, body, {**carried, "index": index}, str(index))
        carried.update((name, wire) for name, wire in made.items() if name in carried)
    expansion.outputs.update(carried)
    return expansion  # type: ignore[return-value]


@node("WhileLoop", category="logic/loops", keywords=("until", "repeat", "condition"))
def while_loop(
    body: Body,
    again: bool = True,
    limit: Annotated[int, Field(ge=1, le=MAX_TURNS)] = 1000,
    index: Annotated[int, Field(ge=0), Widget(advanced=True)] = 0,
    **state: Lazy[Any],
) -> Outputs[Any]:
    """Run a sub-graph for as long as it says ``again``, carrying values from each turn to the next.

    The body receives ``index`` and the carried values by their names; it gives out ``again`` (true: another turn) and
    the carried values.

    Args:
        body: the sub-graph of one turn; one of its outputs must be called ``again``.
        again: whether to begin at all; with false the carried values pass through unchanged.
        limit: the loop fails after this many turns, so that a mistake does not run forever.
        index: number of the first turn.
        state: the carried values before the first turn, by their names.
    """
    expansion = Expansion()
    if not again:
        expansion.outputs.update(state)
        return expansion  # type: ignore[return-value]
    if "again" not in body.outputs:
        raise InvalidInput("body", "the body has no output 'again'", wanted="an output 'again' that is true or false")
    if index >= limit:
        raise InvalidInput("limit", f"the loop still wants to go on after {limit} turns", wanted="a higher limit")
    carried = {**state, **_place(expansion, body, {**state, "index": index}, str(index))}
    following = {f"state.{name}": carried[name] for name in state}
    rest = {"body": body.model_dump(by_alias=True, mode="json"), "again": carried["again"], "limit": limit}
    turn = expansion.add("WhileLoop", node_id=f"@{index + 1}", inputs={**rest, "index": index + 1, **following})
    expansion.outputs.update((name, turn[name]) for name in state)
    return expansion  # type: ignore[return-value]


def _place(expansion: Expansion, body: Subgraph, inputs: dict[str, Any], prefix: str) -> dict[str, Any]:
    try:
        return dict(expansion.place(body, inputs, prefix=prefix))
    except ValueError as error:
        raise InvalidInput("body", str(error)) from error
