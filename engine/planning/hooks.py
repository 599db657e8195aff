"""The ``validate`` and ``fingerprint`` hooks of node types, sync or async, called before a plan is made.

Both receive the node's written values by name (those that they ask for; ``None`` where a wire is attached).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from engine.graph.graph import Graph, GraphNode
from engine.graph.infer import parameters_of
from engine.node_types.authoring import InvalidInput
from engine.node_types.node_type import REQUIRED
from engine.problems import Problem, shown


def run_hooks(graph: Graph, indices: Iterable[int]) -> tuple[dict[int, str], list[Problem]]:
    """Call the hooks of these nodes: fingerprints by index, and what ``validate`` found wrong."""
    fingerprints: dict[int, str] = {}
    problems: list[Problem] = []
    pending: list[tuple[GraphNode, str, Awaitable[Any]]] = []
    for index in indices:
        node = graph.nodes[index]
        mark = node.type.mark
        if mark.validate is None and mark.fingerprint is None:
            continue
        for name, hook in (("validate", mark.validate), ("fingerprint", mark.fingerprint)):
            if hook is None:
                continue
            try:
                result = hook(**_arguments(node, hook))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # any error of a hook is the node's problem, never the engine's
                problems.append(_failed(node, name, error))
                continue
            if inspect.isawaitable(result):
                pending.append((node, name, result))
            else:
                _take(node, name, result, fingerprints, problems)
    if pending:
        for (node, name, _), result in zip(pending, _wait_for(pending), strict=True):
            if isinstance(result, BaseException):
                problems.append(_failed(node, name, result))
            else:
                _take(node, name, result, fingerprints, problems)
    return fingerprints, problems


def _wait_for(pending: list[tuple[GraphNode, str, Awaitable[Any]]]) -> list[Any]:
    """The results or errors of coroutines. A loop that runs on this thread already cannot wait for them itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_gather(pending))
    with ThreadPoolExecutor(1, thread_name_prefix="kinograph-hooks") as pool:
        return pool.submit(asyncio.run, _gather(pending)).result()


async def _gather(pending: list[tuple[GraphNode, str, Awaitable[Any]]]) -> list[Any]:
    return await asyncio.gather(*(item for _, _, item in pending), return_exceptions=True)


def _arguments(node: GraphNode, hook: Callable[..., Any]) -> dict[str, Any]:
    names, takes_all = parameters_of(hook)
    found: dict[str, Any] = {}
    wired = {link.input for link in node.links}
    for name in {*node.type.inputs, *node.values} if takes_all else names:
        socket = node.type.inputs.get(name)
        default = None if socket is None or socket.default is REQUIRED or name in wired else socket.default
        found[name] = node.values.get(name, default)
    return found


def _take(node: GraphNode, name: str, result: Any, fingerprints: dict[int, str], problems: list[Problem]) -> None:
    if name == "fingerprint":
        fingerprints[node.index] = str(result)
        return
    for message in [result] if isinstance(result, str) else cast("Iterable[Any]", result or ()):
        problems.append(Problem("not_valid", str(message), node=node.id))


def _failed(node: GraphNode, hook: str, error: BaseException) -> Problem:
    if isinstance(error, InvalidInput):
        given = shown(node.values.get(error.socket))
        return Problem("not_valid", error.message, node.id, error.socket, given, error.wanted, error.example)
    if hook == "validate" and isinstance(error, ValueError):
        return Problem("not_valid", str(error), node=node.id)
    plugin = node.type.plugin or "?"
    return Problem(
        "hook_failed",
        f"{hook} of {node.type.id} (plugin {plugin}) failed: {type(error).__name__}: {error}",
        node=node.id,
    )
