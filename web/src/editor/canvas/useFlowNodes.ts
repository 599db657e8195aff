import { useMemo, useRef } from "react";
import { touches } from "../../graph/area";
import type { Node } from "@xyflow/react";
import type { Group, Note, Rect } from "../../graph/document";
import type { Placed, PlacedNodes, Point } from "../../graph/place";
import type { Selection } from "../../store/editor";

export type GraphNode = Node<{ placed: Placed }, "node">;
export type NoteNode = Node<{ note: Note }, "note">;
export type GroupNode = Node<{ group: Group }, "group">;
export type FlowNode = GraphNode | NoteNode | GroupNode;

type Size = Pick<Rect, "width" | "height">;

interface Remembered {
  readonly source: unknown;
  readonly selected: boolean;
  readonly hidden: boolean;
  readonly at: Point;
  readonly node: FlowNode;
}

/** Sizes are known from the document, so React Flow never has to measure; there are no handles of its kind. */
const NO_HANDLES: NonNullable<Node["handles"]> = [];

function graphNode(placed: Placed, at: Point, selected: boolean, label: string): GraphNode {
  const { width, height } = placed.geometry;
  return {
    id: placed.id,
    type: "node",
    position: { x: at.x, y: at.y },
    width,
    height,
    measured: { width, height },
    handles: NO_HANDLES,
    selected,
    data: { placed },
    ariaLabel: label,
    ariaRole: "group",
    zIndex: 2,
  };
}

function boxNode(kind: "note" | "group", box: Note | Group, at: Point, selected: boolean): NoteNode | GroupNode {
  const common = {
    id: `${kind}:${box.id}`,
    position: { x: at.x, y: at.y },
    width: box.width,
    height: box.height,
    measured: { width: box.width, height: box.height },
    handles: NO_HANDLES,
    selected,
    zIndex: kind === "group" ? 0 : 1,
  };
  return kind === "note"
    ? { ...common, type: "note", data: { note: box as Note }, ariaLabel: (box as Note).text.slice(0, 80) }
    : { ...common, type: "group", data: { group: box as Group }, dragHandle: ".group-title", ariaLabel: (box as Group).title };
}

/**
 * React Flow's nodes: those in the area that is drawn, and, hidden, the other selected ones, which are dragged along. An
 * entry keeps its identity while nothing of it changed.
 */
export function useFlowNodes(
  placed: PlacedNodes,
  groups: readonly Group[],
  notes: readonly Note[],
  selection: Selection,
  drag: Readonly<Record<string, Point>>,
  area: Rect | undefined,
  labelOf: (placed: Placed) => string,
): FlowNode[] {
  const memory = useRef(new Map<string, Remembered>());
  return useMemo(() => {
    const next = new Map<string, Remembered>();
    const result: FlowNode[] = [];
    const add = (id: string, source: unknown, place: Point, size: Size, selected: boolean, make: (at: Point) => FlowNode): void => {
      const at = drag[id] ?? place;
      const hidden = !(id in drag) && area !== undefined && !touches(area, { ...at, width: size.width, height: size.height });
      if (hidden && !selected) return;
      const known = memory.current.get(id);
      const same =
        known && known.source === source && known.selected === selected && known.hidden === hidden && known.at.x === at.x && known.at.y === at.y;
      const entry = same ? known : { source, selected, hidden, at, node: { ...make(at), hidden } };
      next.set(id, entry);
      result.push(entry.node);
    };
    for (const group of groups) {
      const selected = selection.groups.has(group.id);
      add(`group:${group.id}`, group, group, group, selected, (at) => boxNode("group", group, at, selected));
    }
    for (const note of notes) {
      const selected = selection.notes.has(note.id);
      add(`note:${note.id}`, note, note, note, selected, (at) => boxNode("note", note, at, selected));
    }
    for (const entry of placed.values()) {
      const selected = selection.nodes.has(entry.id);
      add(entry.id, entry, entry.layout, entry.geometry, selected, (at) => graphNode(entry, at, selected, labelOf(entry)));
    }
    memory.current = next;
    return result;
  }, [placed, groups, notes, selection, drag, area, labelOf]);
}
