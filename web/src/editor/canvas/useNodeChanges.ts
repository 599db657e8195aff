import type { NodeChange, OnNodeDrag, OnNodesChange } from "@xyflow/react";
import { useCallback, useRef } from "react";
import { changeBox, membersOf } from "../../graph/boxes";
import { insertOnWire, moveNodes } from "../../graph/commands";
import { edgeId } from "../../graph/document";
import { snap } from "../../graph/geometry";
import { rectOf, type Point } from "../../graph/place";
import { NO_DRAG, useCanvas } from "../../store/canvas";
import { apply, select, useEditor } from "../../store/editor";
import { insertion, wireUnder } from "../wires/insertion";
import type { FlowNode } from "./useFlowNodes";

interface Handlers {
  readonly onNodesChange: OnNodesChange<FlowNode>;
  readonly onNodeDragStart: OnNodeDrag<FlowNode>;
  readonly onNodeDrag: OnNodeDrag<FlowNode>;
  readonly onNodeDragStop: OnNodeDrag<FlowNode>;
}

/** Split `note:note1` into its kind and id; a graph node has no kind. */
function kindOf(id: string): { readonly kind: "node" | "note" | "group"; readonly id: string } {
  if (id.startsWith("note:")) return { kind: "note", id: id.slice(5) };
  if (id.startsWith("group:")) return { kind: "group", id: id.slice(6) };
  return { kind: "node", id };
}

function takeSelection(changes: readonly NodeChange<FlowNode>[]): void {
  const chosen = changes.filter((change) => change.type === "select");
  if (chosen.length === 0) return;
  const { selection } = useEditor.getState();
  const sets = { node: new Set(selection.nodes), note: new Set(selection.notes), group: new Set(selection.groups) };
  for (const change of chosen) {
    const { kind, id } = kindOf(change.id);
    if (change.selected) sets[kind].add(id);
    else sets[kind].delete(id);
  }
  select({ nodes: sets.node, notes: sets.note, groups: sets.group, edges: new Set() });
}

/** Commit positions of everything that was moved as one step. */
function commitPlaces(places: Readonly<Record<string, Point>>): void {
  const nodes: Record<string, Point> = {};
  const boxes: { kind: "notes" | "groups"; id: string; at: Point }[] = [];
  for (const [key, at] of Object.entries(places)) {
    const { kind, id } = kindOf(key);
    const snapped = { x: snap(at.x), y: snap(at.y) };
    if (kind === "node") nodes[id] = snapped;
    else boxes.push({ kind: kind === "note" ? "notes" : "groups", id, at: snapped });
  }
  apply(
    (document) => boxes.reduce((state, box) => changeBox(box.kind, box.id, box.at)(state), moveNodes(nodes)(document)),
    "step.move",
  );
}

/** Dragging, moving by arrow keys and selecting, from React Flow to commands. */
export function useNodeChanges(): Handlers {
  const carried = useRef<Readonly<Record<string, Point>>>(NO_DRAG);
  const lead = useRef<{ id: string; at: Point } | undefined>(undefined);
  const dragging = useRef(false);

  const onNodesChange = useCallback<OnNodesChange<FlowNode>>((changes) => {
    takeSelection(changes);
    const moves = changes.filter((change) => change.type === "position" && change.position !== undefined);
    if (moves.length === 0) return;
    const places = Object.fromEntries(
      moves.flatMap((change) => (change.type === "position" && change.position ? [[change.id, change.position] as const] : [])),
    );
    if (!dragging.current) {
      if (moves.some((change) => change.type === "position" && change.dragging)) return;
      commitPlaces(places); // by arrow keys
      return;
    }
    const group = lead.current;
    const at = group ? places[group.id] : undefined;
    const along: Record<string, Point> = {};
    if (group && at) {
      for (const [id, start] of Object.entries(carried.current)) {
        along[id] = { x: start.x + at.x - group.at.x, y: start.y + at.y - group.at.y };
      }
    }
    useCanvas.setState((state) => ({ drag: { ...state.drag, ...along, ...places } }));
  }, []);

  const onNodeDragStart = useCallback<OnNodeDrag<FlowNode>>((_event, node) => {
    dragging.current = true;
    lead.current = undefined;
    carried.current = NO_DRAG;
    if (node.type !== "group") return;
    lead.current = { id: node.id, at: { x: node.data.group.x, y: node.data.group.y } };
    carried.current = placesInside(node.data.group.id);
  }, []);

  const onNodeDrag = useCallback<OnNodeDrag<FlowNode>>((_event, node, nodes) => {
    const candidate = node.type === "node" && nodes.length === 1 ? wireUnder(node.id, node.position) : undefined;
    useCanvas.setState({ dropEdge: candidate });
  }, []);

  const onNodeDragStop = useCallback<OnNodeDrag<FlowNode>>((_event, node) => {
    dragging.current = false;
    const { drag, dropEdge } = useCanvas.getState();
    useCanvas.setState({ drag: NO_DRAG, dropEdge: undefined });
    if (Object.keys(drag).length === 0) return;
    const wire = useEditor.getState().view.edges.find((edge) => edgeId(edge) === dropEdge);
    const sockets = wire && insertion(node.id, wire);
    if (!wire || !sockets) {
      commitPlaces(drag);
      return;
    }
    const at = drag[node.id] ?? node.position;
    apply(
      (document) =>
        insertOnWire(node.id, wire, sockets.input, sockets.output)(moveNodes({ [node.id]: { x: snap(at.x), y: snap(at.y) } })(document)),
      "step.insert",
    );
  }, []);

  return { onNodesChange, onNodeDragStart, onNodeDrag, onNodeDragStop };
}

function placesInside(groupId: string): Record<string, Point> {
  const { view: document } = useEditor.getState();
  const group = document.layout.groups.find((candidate) => candidate.id === groupId);
  if (!group) return {};
  const rects = Object.fromEntries([...useCanvas.getState().placed.values()].map((placed) => [placed.id, rectOf(placed)]));
  const notes = Object.fromEntries(document.layout.notes.map((note) => [`note:${note.id}`, note]));
  const all = { ...rects, ...notes };
  return Object.fromEntries(
    membersOf(group, all).flatMap((id) => {
      const rect = all[id];
      return rect ? [[id, { x: rect.x, y: rect.y }] as const] : [];
    }),
  );
}
