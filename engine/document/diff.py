"""What differs between two documents, as data and in words.

Changes of meaning (nodes, values, modes, wires) are told apart from what only people see: titles, the description,
the form, what the file requires, and the layout. A node that got another name and nothing else is one change, not a
dozen. ``web/src/graph/diff.ts`` shows the same kinds in the editor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from engine.document.normal_form import natural
from engine.document.workflow import Workflow, WorkflowNode
from engine.numbers import without_kind

Part = Literal["meaning", "form", "about", "requires", "layout"]
Kind = Literal["added", "removed", "renamed", "changed", "rewired"]
Socket = tuple[str, str]


class Absent:
    """Stands where there is no value; ``null`` is one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()
_WORDS: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        part: ``meaning`` is what decides the result; the others are for people.
        kind: what happened.
        node: the node, by its id after the change; empty where it is the document's.
        type: the node's type.
        place: what of it: an input, ``mode``, ``title``, or a path such as ``body.nodes.add.values.b``.
        before, after: values, or ends of wires as ``node.output``; :data:`ABSENT` where there is none.
    """

    part: Part
    kind: Kind
    node: str = ""
    type: str = ""
    place: str = ""
    before: Any = ABSENT
    after: Any = ABSENT

    def as_dict(self) -> dict[str, Any]:
        """As JSON: ``before`` and ``after`` are left out where there is nothing."""
        return {name: value for name, value in asdict(self).items() if not isinstance(value, Absent)}

    def __str__(self) -> str:
        return in_words(self)


def diff(before: Workflow, after: Workflow) -> list[Change]:
    """Every difference, changes of meaning first, in the order of the nodes' names."""
    renamed = _renamed(before, after)
    old_name = {new: old for old, new in renamed.items()}
    changes = [
        Change("meaning", "renamed", new, after.nodes[new].type, "", old, new) for old, new in sorted(renamed.items())
    ]
    names = sorted({*after.nodes, *(renamed.get(name, name) for name in before.nodes)}, key=natural)
    for name in names:
        changes += _node_changes(name, before.nodes.get(old_name.get(name, name)), after.nodes.get(name))
    changes += _wire_changes(before, after, renamed)
    changes.sort(key=lambda change: change.part != "meaning")
    old_inputs = {name: item.model_dump() for name, item in before.inputs.items()}
    new_inputs = {name: item.model_dump() for name, item in after.inputs.items()}
    changes += _of_data("form", old_inputs, new_inputs)
    if list(before.inputs) != list(after.inputs) and set(before.inputs) == set(after.inputs):
        changes.append(Change("form", "changed", "", "", "order", list(before.inputs), list(after.inputs)))
    changes += _of_data("about", before.meta, after.meta)
    changes += _of_data("about", before.model_extra or {}, after.model_extra or {})
    changes += _requires_changes(_required(before.requires), _required(after.requires))
    return changes + list(_of_data("layout", _places(before, renamed), _places(after, {})))


def same_meaning(before: Workflow, after: Workflow) -> bool:
    """Whether both compute the same; a renamed node makes no difference."""
    return all(change.part != "meaning" or change.kind == "renamed" for change in diff(before, after))


def _node_changes(name: str, old: WorkflowNode | None, new: WorkflowNode | None) -> Iterator[Change]:
    if old is None:
        assert new is not None
        yield Change("meaning", "added", name, new.type, "", ABSENT, _as_data(new))
        return
    if new is None:
        yield Change("meaning", "removed", name, old.type, "", _as_data(old), ABSENT)
        return
    if old.type != new.type:
        yield Change("meaning", "changed", name, new.type, "type", old.type, new.type)
    if old.mode != new.mode:
        yield Change("meaning", "changed", name, new.type, "mode", old.mode or ABSENT, new.mode or ABSENT)
    for place, left, right in paths(old.values, new.values):
        yield Change("meaning", "changed", name, new.type, place, left, right)
    if (old.title or "") != (new.title or ""):
        yield Change("about", "changed", name, new.type, "title", old.title or ABSENT, new.title or ABSENT)
    for place, left, right in paths(old.model_extra or {}, new.model_extra or {}):
        yield Change("about", "changed", name, new.type, place, left, right)


def _wire_changes(before: Workflow, after: Workflow, renamed: Mapping[str, str]) -> Iterator[Change]:
    """Wires into nodes that are in both; those of an added or removed node come and go with it."""
    old = {(renamed.get(to, to), name): (renamed.get(start, start), out) for (to, name), (start, out) in wires(before)}
    new = dict(wires(after))
    survivors = {renamed.get(name, name) for name in before.nodes} & set(after.nodes)
    for target in sorted({*old, *new}, key=lambda end: [natural(part) for part in end]):
        left, right = old.get(target), new.get(target)
        if left == right or target[0] not in survivors:
            continue
        kind: Kind = "rewired"
        ends = [ABSENT if end is None else f"{end[0]}.{end[1]}" for end in (left, right)]
        yield Change("meaning", kind, target[0], after.nodes[target[0]].type, target[1], *ends)


def wires(workflow: Workflow) -> Iterator[tuple[Socket, Socket]]:
    """``(where it ends, where it begins)`` of every wire; an input has one."""
    return ((edge.target, edge.source) for edge in workflow.edges)


def _of_data(part: Part, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for place, left, right in paths(before, after):
        yield _data_change(part, place, left, right)


def _data_change(part: Part, place: str, before: Any, after: Any) -> Change:
    kind: Kind = "added" if isinstance(before, Absent) else "removed" if isinstance(after, Absent) else "changed"
    return Change(part, kind, "", "", place, before, after)


def _required(requires: Mapping[str, Any]) -> dict[str, Any]:
    """What a document requires, one entry per plugin, model and file: ``plugins.NAME``, ``models.NODE.INPUT``."""
    found: dict[str, Any] = {}
    for group, entries in requires.items():
        if isinstance(entries, Mapping) and entries:
            found |= {f"{group}.{name}": entry for name, entry in entries.items()}
        else:
            found[group] = entries
    return found


def _requires_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for place in sorted({*before, *after}, key=natural):
        left, right = before.get(place, ABSENT), after.get(place, ABSENT)
        if not equal(left, right):
            yield _data_change("requires", place, left, right)


def paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where two objects differ: ``(path, before, after)``, as deep as both are objects; without recursion."""
    stack: list[tuple[str, Any, Any]] = [("", before, after)]
    while stack:
        path, left, right = stack.pop()
        if not (isinstance(left, Mapping) and isinstance(right, Mapping)):
            if not equal(left, right):
                yield path, left, right
            continue
        for name in sorted({*left, *right}, key=natural, reverse=True):
            stack.append((f"{path}.{name}" if path else name, left.get(name, ABSENT), right.get(name, ABSENT)))


def equal(left: Any, right: Any) -> bool:
    """Equality as in JSON: ``1`` and ``true`` differ; ``20`` and ``20.0``, which a float input reads alike, do not."""
    if left is right or type(left) is type(right) in (str, int, float, bool):
        return bool(left == right)
    if isinstance(left, Absent) or isinstance(right, Absent):
        return False
    return _as_json(left) == _as_json(right)


def _as_json(value: Any) -> str:
    """JSON in one order, whole numbers written one way: ``[20.0]`` and ``[20]`` are the same text."""
    return json.dumps(without_kind(value), sort_keys=True)


def _places(workflow: Workflow, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The layout, with nodes under their new names and without those that are not there."""
    layout = dict(workflow.layout)
    nodes = layout.get("nodes")
    if isinstance(nodes, dict):
        layout["nodes"] = {renamed.get(name, name): place for name, place in nodes.items()}
    layout.pop("viewport", None)
    return layout


def _as_data(node: WorkflowNode) -> dict[str, Any]:
    return node.model_dump(exclude_none=True)


def _renamed(before: Workflow, after: Workflow) -> dict[str, str]:
    """Nodes that are gone and came back under another name: same type, values and mode, and read by and reading the
    same; only where there is no choice."""
    gone = [name for name in before.nodes if name not in after.nodes]
    new = [name for name in after.nodes if name not in before.nodes]
    if not gone or not new:
        return {}
    old_prints, new_prints = _prints(before, set(gone)), _prints(after, set(new))
    once = {mark for mark, count in Counter(old_prints.values()).items() if count == 1}
    once &= {mark for mark, count in Counter(new_prints.values()).items() if count == 1}
    by_print = {mark: name for name, mark in new_prints.items()}
    return {name: by_print[mark] for name, mark in old_prints.items() if mark in once}


def _prints(workflow: Workflow, names: set[str]) -> dict[str, str]:
    """What a node is apart from its name. Neighbours that are candidates themselves count by their type."""
    ends: dict[str, list[str]] = {name: [] for name in names}
    for target, source in wires(workflow):
        for here, there, way in ((target, source, "<"), (source, target, ">")):
            if here[0] in names:
                node = workflow.nodes.get(there[0])
                other = f"({node.type if node else ''})" if there[0] in names else there[0]
                ends[here[0]].append(f"{here[1]}{way}{other}.{there[1]}")
    return {
        name: json.dumps([_as_data(workflow.nodes[name]), sorted(ends[name])], sort_keys=True, default=str)
        for name in names
    }


# ----------------------------------------------------------------------------------------------- words


def in_words(change: Change) -> str:
    """A change as a line: ``sampler (DiTSampler): steps 20 -> 30``."""
    who = f"{change.node} ({change.type})" if change.node else ""
    match change.kind:
        case "renamed":
            return f"{change.before} is now called {change.after} ({change.type})"
        case "rewired" if isinstance(change.before, Absent):
            return f"{who}: {change.place} is wired to {change.after}"
        case "rewired" if isinstance(change.after, Absent):
            return f"{who}: {change.place} is no longer wired to {change.before}"
        case "rewired":
            return f"{who}: {change.place} is wired to {change.after}, before to {change.before}"
        case "added" if change.part == "meaning":
            return f"{who}: new{_settings(change.after)}"
        case "removed" if change.part == "meaning":
            return f"{who}: removed"
    if change.part == "requires":
        return _requirement_in_words(change)
    if change.part == "form" and change.kind in ("added", "removed"):
        item = change.after if change.kind == "added" else change.before
        if isinstance(item, dict) and "node" in item:
            return f"input {change.place} ({item['node']}.{item['socket']}) {change.kind}"
    if not who and change.kind in ("added", "removed"):
        return f"{change.place} {change.kind}: {words(change.after if change.kind == 'added' else change.before)}"
    text = f"{change.place} {words(change.before)} -> {words(change.after)}"
    return f"{who}: {text}" if who else text


_REQUIRED: Final = {"plugins": "plugin ", "models": "model of ", "files": "file of "}


def _requirement_in_words(change: Change) -> str:
    """``plugin tints: 1.0 (0a1b2c3d) -> 1.1 (4e5f6a7b)``."""
    group, dot, name = change.place.partition(".")
    what = f"{_REQUIRED[group]}{name}" if dot and group in _REQUIRED else change.place
    if change.kind == "removed":
        return f"{what}: no longer"
    before, after = required_in_words(change.before), required_in_words(change.after)
    if change.kind == "added":
        return f"{what}: {after}"
    return f"{what}: {after}, for other nodes" if before == after else f"{what}: {before} -> {after}"


def required_in_words(entry: Any) -> str:
    """A plugin as ``1.0 (0a1b2c3d)``, a model or file as ``NAME (FAMILY) 0a1b2c3d4e5f``."""
    if not isinstance(entry, Mapping):
        return entry if isinstance(entry, str) else words(entry)
    if "code" in entry or "version" in entry:
        code = str(entry.get("code") or "")[:8]
        return " ".join(filter(None, [str(entry.get("version") or "no version"), f"({code})" if code else ""]))
    family = entry.get("family")
    content = str(entry.get("sha256") or entry.get("digest") or "")[:12]
    return " ".join(filter(None, [str(entry.get("name") or ""), f"({family})" if family else "", content])) or words(
        entry
    )


def _settings(node: Any) -> str:
    values = node.get("values") if isinstance(node, dict) else None
    if not values:
        return ""
    listed = ", ".join(f"{name} {words(value)}" for name, value in list(values.items())[:6])
    return f", with {listed}{', ...' if len(values) > 6 else ''}"


def words(value: Any) -> str:
    """A value in a line: texts in quotes, shortened; ``(default)`` where there is none."""
    if isinstance(value, Absent):
        return "(default)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 1]}…"


def summary(changes: list[Change], *, layout: bool = False) -> list[str]:
    """All changes as lines; of the layout only a count, unless asked for. Long texts are shown one below the other."""
    lines: list[str] = []
    for change in changes:
        if change.part == "layout" and not layout:
            continue
        prefix = "" if change.part == "meaning" else f"[{change.part}] "
        lines.append(prefix + in_words(change))
        if change.kind == "changed" and _is_long(change.before, change.after):
            lines[-1] = prefix + (f"{change.node} ({change.type}): {change.place}" if change.node else change.place)
            lines += [f"  - {_plain(change.before)}", f"  + {_plain(change.after)}"]
    moved = sum(change.part == "layout" for change in changes)
    if moved and not layout:
        lines.append(f"[layout] {moved} {'place' if moved == 1 else 'places'} on the canvas changed")
    return lines


def _is_long(*values: Any) -> bool:
    return any(isinstance(value, str) and len(value) > _WORDS // 2 for value in values)


def _plain(value: Any) -> str:
    return value.replace("\n", "\n    ") if isinstance(value, str) else words(value)
