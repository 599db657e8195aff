"""Facts about values before they exist: sizes, lengths and families travel along the wires.

A node type's ``infer`` function has parameters named like inputs of the node (those that it wants to know about) and
receives for each

* the written value, or the default, where no wire is attached;
* the upstream ``infer``'s result where a wire is attached: a plain value (a number from an ``Int`` node) or
  :class:`~engine.node_types.authoring.Facts` (of a clip: width, height, frames ...);
* ``None`` where nothing is known.

It returns what is known of the outputs, as ``{output name: value or Facts}``, or just the value or Facts of a single
output. It raises :class:`authoring.InvalidInput` where the inputs cannot work, so that a person reads it on
the node's field now and not ten minutes later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from engine.graph.graph import Graph, GraphNode
from engine.node_types.authoring import InvalidInput
from engine.node_types.node_type import REQUIRED
from engine.problems import Problem, shown

Known = dict[str, Any]
"""What is known of a node's outputs, by name."""


def infer(graph: Graph) -> tuple[dict[str, Known], list[Problem]]:
    """Run all ``infer`` functions once, in topological order: facts by node id, and mistakes."""
    facts: dict[int, Known] = {}
    problems: list[Problem] = []
    for node in graph.nodes:
        if node.type.mark.infer is not None and not node.streams:
            known = _infer_node(node, facts, problems)
            if known:
                facts[node.index] = known
    return {graph.nodes[index].id: known for index, known in facts.items()}, problems


def _infer_node(node: GraphNode, facts: dict[int, Known], problems: list[Problem]) -> Known:
    function = node.type.mark.infer
    assert function is not None
    wired = {link.input: facts.get(link.source, {}).get(link.output) for link in node.links}
    arguments: dict[str, Any] = {}
    names, takes_all = parameters_of(function)
    for name in [*node.type.inputs, *wired, *node.values] if takes_all else names:
        if name in wired:
            arguments[name] = wired[name]
        elif name in node.values:
            arguments[name] = node.values[name]
        else:
            socket = node.type.inputs.get(name)
            arguments[name] = None if socket is None or socket.default is REQUIRED else socket.default
    try:
        result = function(**arguments)
    except InvalidInput as error:
        problems.append(
            Problem(
                "invalid_input",
                error.message,
                node=node.id,
                socket=error.socket,
                given=shown(arguments.get(error.socket)),
                wanted=error.wanted,
                example=error.example,
            )
        )
        return {}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's mistake must not hide the others
        whose = f"the infer function of {node.type.id} (plugin {node.type.plugin or '?'})"
        message = f"{whose} failed: {type(error).__name__}: {error}"
        problems.append(Problem("infer_failed", message, node=node.id))
        return {}
    if result is None:
        return {}
    if isinstance(result, dict):
        return result
    first = next(iter(node.type.outputs), None)
    return {first: result} if first is not None else {}


@lru_cache(maxsize=4096)
def parameters_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], bool]:
    """Names that a hook asks for, and whether it takes everything (``**rest``)."""
    parameters = inspect.signature(function).parameters.values()
    names = tuple(
        parameter.name
        for parameter in parameters
        if parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    )
    return names, any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
