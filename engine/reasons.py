"""Why a step runs: what differs from the last time that its node ran."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.graph import GraphNode
from engine.keys import canonical
from engine.ledger import Ledger, PastStep, StepRecord
from engine.node_type import REQUIRED
from engine.problems import listed

if TYPE_CHECKING:
    from engine.plan import Plan

_SHOWN = 40


def reason_for(plan: Plan, index: int, ledger: Ledger) -> str:
    """A short text: ``seed: 41 -> 42``, ``upstream encode changed``, ``code of plugin X changed`` ..."""
    node = plan.graph.nodes[index]
    if not node.type.mark.cache:
        return "never cached by its author"
    past = ledger.past(node.id, node.type.id)
    if past is None:
        return "has not run before"
    if past.key == plan.keys[index]:
        return "evicted"
    reasons: list[str] = []
    if past.version != node.type.version:
        reasons.append(f"{node.type.id} version {past.version} -> {node.type.version}")
    elif past.code != node.type.code:
        reasons.append(f"code of plugin {node.type.plugin or '?'} changed")
    reasons += _changed_values(plan, node, past)
    reasons += _changed_wires(plan, node, past)
    if past.extra != plan.fingerprints.get(index, ""):
        reasons.append("model file changed" if _reads_model(node) else "something outside the graph changed")
    return "; ".join(reasons) or "its inputs changed"


def _reads_model(node: GraphNode) -> bool:
    return any(word in node.type.id.lower() for word in ("load", "model", "checkpoint"))


def _changed_values(plan: Plan, node: GraphNode, past: PastStep) -> list[str]:
    reasons = []
    present = remembered_values(plan, node)
    for name in sorted({*present, *past.values}):
        socket = node.type.input_socket(name)
        default = None if socket is None or socket.default is REQUIRED else socket.default
        old, new = past.values.get(name, default), present.get(name, default)
        if any(link.input == name for link in node.links):
            continue  # a wire took the place of the value; said there
        if isinstance(old, dict) and "$file" in old and isinstance(new, dict) and "$file" in new:
            if old["$file"] != new["$file"]:
                same_name = old["name"] == new["name"]
                reasons.append(
                    f"{name}: {new['name']} changed" if same_name else f"{name}: {old['name']} -> {new['name']}"
                )
        elif not _same(old, new):
            reasons.append(f"{name}: {_text(old)} -> {_text(new)}")
    return reasons


def _changed_wires(plan: Plan, node: GraphNode, past: PastStep) -> list[str]:
    reasons: list[str] = []
    changed: list[str] = []
    now = {link.input: (plan.graph.nodes[link.source].id, link.output, plan.keys[link.source]) for link in node.links}
    for name in sorted({*now, *past.upstream}):
        before, after = past.upstream.get(name), now.get(name)
        if after is None:
            reasons.append(f"the wire into {name} was taken off")
        elif before is None:
            reasons.append(f"{name} now comes from {after[0]}")
        elif before[0] != after[0] or before[1] != after[1]:
            reasons.append(f"{name} comes from {after[0]}.{after[1]} instead of {before[0]}.{before[1]}")
        elif before[2] != after[2]:
            changed.append(after[0])
    if changed:
        reasons.append(f"upstream {listed(dict.fromkeys(changed), 4)} changed")
    return reasons


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


def step_record(plan: Plan, index: int, seconds: float | None, nbytes: int) -> StepRecord:
    """What the ledger keeps of a step."""
    node = plan.graph.nodes[index]
    upstream = {
        link.input: (plan.graph.nodes[link.source].id, link.output, plan.keys[link.source]) for link in node.links
    }
    return StepRecord(
        node=node.id,
        type=node.type.id,
        key=plan.keys[index],
        version=node.type.version,
        code=node.type.code,
        values=canonical(remembered_values(plan, node)),
        upstream=json.dumps(upstream, ensure_ascii=False),
        extra=plan.fingerprints.get(index, ""),
        seconds=seconds,
        nbytes=nbytes,
    )
