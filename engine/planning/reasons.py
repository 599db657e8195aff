"""Why a step runs: what differs from an earlier time that its node ran.

Which one? Several workflows may have a node of the same id and type, also copies of one workflow. Those with the same
nodes as this workflow are preferred; among them the one that differs least, and then the latest: it is what could have
been a hit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.cache import worth_writing
from engine.graph.graph import Graph, GraphNode
from engine.node_types.node_type import REQUIRED
from engine.planning.keys import canonical
from engine.planning.ledger import PastStep, StepRecord
from engine.planning.reason_codes import Reason, ReasonCode

if TYPE_CHECKING:
    from engine.planning.plan import Plan

_SHOWN = 40
_NAMED = 4


def reasons_for(
    plan: Plan, index: int, candidates: Sequence[PastStep], workflow: str, cost: tuple[float, int] | None
) -> tuple[Reason, ...]:
    """At least one: ``seed: 41 -> 42``, ``upstream encode changed``, ``code of plugin X changed`` ...

    Args:
        plan: what is to run.
        index: of the step.
        candidates: earlier steps of a node with this id and type.
        workflow: the graph's :func:`workflow_digest`.
        cost: seconds and bytes of this step when it ran before, if it did.
    """
    node = plan.graph.nodes[index]
    if not node.type.mark.cache:
        return (Reason("never_cached"),)
    if not candidates:
        return (Reason("first_run"),)
    if any(past.key == plan.keys[index] for past in candidates):
        return (_gone(node, cost),)
    fewest: list[Reason] | None = None
    for past in [past for past in candidates if past.workflow == workflow] or candidates:
        found = _differences(plan, index, past)
        if fewest is None or len(found) < len(fewest):
            fewest = found
        if len(found) <= 1:
            break
    return tuple(fewest or ()) or (Reason("inputs"),)


def _gone(node: GraphNode, cost: tuple[float, int] | None) -> Reason:
    """Why a result that was there is no longer: it had to leave, or it was in memory only and the program has ended."""
    if _gives_model(node):
        return Reason("evicted_model")
    if cost is not None and not worth_writing(*cost):
        return Reason("evicted_quick")
    return Reason("evicted")


def _gives_model(node: GraphNode) -> bool:
    kinds = [kind for output in node.type.outputs.values() for kind in output.type.classes]
    return any(hasattr(kind, "__kinograph_buffers__") for kind in kinds)


def workflow_digest(graph: Graph) -> str:
    """The same for a workflow whatever its values and wires are: its nodes' ids and types."""
    summary = hashlib.blake2b(digest_size=8)
    for name in sorted(f"{node.id}\0{node.type.id}\n" for node in graph.nodes):
        summary.update(name.encode("utf-8", "surrogatepass"))
    return summary.hexdigest()


def _differences(plan: Plan, index: int, past: PastStep) -> list[Reason]:
    node = plan.graph.nodes[index]
    reasons: list[Reason] = []
    if past.version != node.type.version:
        versions = {"before": str(past.version), "after": str(node.type.version)}
        reasons.append(Reason("version", {"type": node.type.id, **versions}))
    elif past.code != node.type.code:
        reasons.append(Reason("code", {"plugin": node.type.plugin or "?"}))
    reasons += _changed_values(plan, node, past)
    reasons += _changed_wires(plan, node, past)
    extra = plan.fingerprints.get(index, "")
    if past.extra != extra:
        reasons.append(_changed_outside(node, past.extra, extra))
    return reasons


def _changed_outside(node: GraphNode, before: str, after: str) -> Reason:
    """What no value names: the folder for results (:func:`with_outputs`), or what a hook looks at."""
    if node.type.mark.output:
        (hooked, _, old), (hooks, _, new) = before.rpartition("|"), after.rpartition("|")
        if hooked == hooks:
            return Reason("folder_from", {"before": old, "after": new}) if old and new else Reason("folder")
    return Reason("model_file" if _gives_model(node) else "outside")


def _changed_values(plan: Plan, node: GraphNode, past: PastStep) -> list[Reason]:
    reasons = []
    present = remembered_values(plan, node)
    before: dict[str, Any] = json.loads(past.values)
    for name in sorted({*present, *before}):
        socket = node.type.input_socket(name)
        default = None if socket is None or socket.default is REQUIRED else socket.default
        old, new = before.get(name, default), present.get(name, default)
        if any(link.input == name for link in node.links):
            continue  # a wire took the place of the value; said there
        if isinstance(old, dict) and "$file" in old and isinstance(new, dict) and "$file" in new:
            if old["$file"] != new["$file"]:
                is_model = socket is not None and socket.file is not None and socket.file.kind == "model"
                if old["name"] != new["name"]:
                    reasons.append(_became(name, old["name"], new["name"]))
                else:
                    code: ReasonCode = "model_file_input" if is_model else "file_content"
                    reasons.append(Reason(code, {"input": name, "file": new["name"]}))
        elif not _same(old, new):
            reasons.append(_became(name, _text(old), _text(new)))
    return reasons


def _became(name: str, before: str, after: str) -> Reason:
    return Reason("value", {"input": name, "before": before, "after": after})


def _changed_wires(plan: Plan, node: GraphNode, past: PastStep) -> list[Reason]:
    reasons: list[Reason] = []
    changed: list[str] = []
    now = {link.input: (plan.graph.nodes[link.source].id, link.output, plan.keys[link.source]) for link in node.links}
    then: dict[str, list[str]] = json.loads(past.upstream)
    for name in sorted({*now, *then}):
        before, after = then.get(name), now.get(name)
        if after is None:
            reasons.append(Reason("unwired", {"input": name}))
        elif before is None:
            reasons.append(Reason("wired", {"input": name, "after": after[0]}))
        elif before[0] != after[0] or before[1] != after[1]:
            ends = {"before": f"{before[0]}.{before[1]}", "after": f"{after[0]}.{after[1]}"}
            reasons.append(Reason("rewired", {"input": name, **ends}))
        elif before[2] != after[2]:
            changed.append(after[0])
    if changed:
        reasons.append(_upstream(list(dict.fromkeys(changed))))
    return reasons


def _upstream(nodes: list[str]) -> Reason:
    names, more = ", ".join(nodes[:_NAMED]), len(nodes) - _NAMED
    return (
        Reason("upstream_many", {"nodes": names, "more": str(more)})
        if more > 0
        else Reason("upstream", {"nodes": names})
    )


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _text(value: Any) -> str:
    if isinstance(value, float):
        text = f"{value:.12g}"
    else:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def remembered_values(plan: Plan, node: GraphNode) -> dict[str, Any]:
    """A node's values for the ledger: files with name and content digest."""
    values = dict(node.raw)
    for name, socket in node.type.inputs.items():
        if socket.file is not None and values.get(name) is not None:
            values[name] = {"$file": plan.files.of(node.values[name]), "name": str(node.raw[name])}
    return values


def step_record(plan: Plan, workflow: str, index: int, seconds: float | None, nbytes: int) -> StepRecord:
    """What the ledger keeps of a step. ``workflow`` is the graph's :func:`workflow_digest`."""
    node = plan.graph.nodes[index]
    upstream = {
        link.input: (plan.graph.nodes[link.source].id, link.output, plan.keys[link.source]) for link in node.links
    }
    return StepRecord(
        node=node.id,
        type=node.type.id,
        workflow=workflow,
        key=plan.keys[index],
        version=node.type.version,
        code=node.type.code,
        values=canonical(remembered_values(plan, node)),
        upstream=json.dumps(upstream, ensure_ascii=False),
        extra=plan.fingerprints.get(index, ""),
        seconds=seconds,
        nbytes=nbytes,
    )
