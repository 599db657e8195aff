/** What can be done with what is selected. */

import { addNote, removeBoxes } from "../../graph/boxes";
import { isBoundary, pathOf } from "../../graph/bodies";
import { passedThrough } from "../../graph/bypass";
import { disconnect, dissolveNode, removeNodes, setColor, toggleCollapsed, toggleMode } from "../../graph/commands";
import type { NodeMode } from "../../graph/document";
import { NOTHING, apply, selectNodes, useEditor } from "../../store/editor";
import { announce, setUi } from "../../store/ui";
import { tr } from "./tr";

export function deleteSelection(): void {
  const { selection } = useEditor.getState();
  const count = selection.nodes.size + selection.edges.size + selection.notes.size + selection.groups.size;
  if (count === 0) return;
  apply(
    (document) =>
      removeBoxes("groups", selection.groups)(
        removeBoxes("notes", selection.notes)(disconnect(selection.edges)(removeNodes(selection.nodes)(document))),
      ),
    "step.delete",
  );
  useEditor.setState({ selection: NOTHING });
  announce(tr("said.deleted", { count }));
}

/** The selected nodes by their paths, as the server names them. */
export function selectedPaths(): string[] {
  const { scope, selection } = useEditor.getState();
  return [...selection.nodes].filter((id) => !isBoundary(id)).map((id) => pathOf(scope, id));
}

/** Take one node out and join its neighbours. */
export function dissolveSelection(): void {
  const { selection, view: document, catalogue } = useEditor.getState();
  const [id] = selection.nodes;
  if (id === undefined || selection.nodes.size !== 1) return;
  apply(dissolveNode(id, (output) => passedThrough(document, catalogue, id, output)), "step.dissolve");
  useEditor.setState({ selection: NOTHING });
}

export function toggleSelectedMode(mode: NodeMode): void {
  apply(toggleMode([...useEditor.getState().selection.nodes], mode), `step.${mode}`);
}

export function toggleSelectedCollapsed(): void {
  const ids = [...useEditor.getState().selection.nodes];
  if (ids.length > 0) apply(toggleCollapsed(ids), "step.collapse");
}

export function colorSelected(color: string | undefined): void {
  apply(setColor([...useEditor.getState().selection.nodes], color), "step.color");
}

export function selectAll(): void {
  const { view: document } = useEditor.getState();
  useEditor.setState({
    selection: {
      nodes: new Set(Object.keys(document.nodes)),
      edges: new Set(),
      notes: new Set(document.layout.notes.map((note) => note.id)),
      groups: new Set(document.layout.groups.map((group) => group.id)),
    },
  });
}

export function placeNote(at: { x: number; y: number }): void {
  apply(addNote(at, ""), "step.note");
  setUi({ writing: useEditor.getState().view.layout.notes.at(-1)?.id });
}

/** Select what stands at the other end of the selected nodes' wires: walk the graph. */
export function walk(direction: "up" | "down" | "before" | "after", from: string): string | undefined {
  const { view: document } = useEditor.getState();
  const place = (id: string): { x: number; y: number } => document.layout.nodes[id] ?? { x: 0, y: 0 };
  const next =
    direction === "before"
      ? document.edges.filter((edge) => edge.to.node === from).map((edge) => edge.from.node)
      : direction === "after"
        ? document.edges.filter((edge) => edge.from.node === from).map((edge) => edge.to.node)
        : siblings(from, direction === "down" ? 1 : -1);
  const [target] = [...new Set(next)].sort((left, right) => place(left).y - place(right).y);
  if (target !== undefined) selectNodes([target]);
  return target;
}

function siblings(from: string, sign: number): string[] {
  const { view: document } = useEditor.getState();
  const here = document.layout.nodes[from] ?? { x: 0, y: 0 };
  const distance = (id: string): number => {
    const place = document.layout.nodes[id] ?? { x: 0, y: 0 };
    return Math.abs(place.x - here.x) * 2 + Math.abs(place.y - here.y);
  };
  const others = Object.keys(document.nodes).filter((id) => {
    const place = document.layout.nodes[id] ?? { x: 0, y: 0 };
    return id !== from && Math.sign(place.y - here.y) === sign;
  });
  return others.sort((left, right) => distance(left) - distance(right)).slice(0, 1);
}
