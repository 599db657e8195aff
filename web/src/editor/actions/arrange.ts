import { align, autoLayout, type Alignment } from "../../graph/arrange";
import { addGroup } from "../../graph/boxes";
import { moveNodes } from "../../graph/commands";
import type { Rect } from "../../graph/document";
import { rectOf } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { apply, useEditor } from "../../store/editor";

function rectsOf(ids: ReadonlySet<string>): Record<string, Rect> {
  const { placed } = useCanvas.getState();
  return Object.fromEntries([...placed.values()].filter((node) => ids.has(node.id)).map((node) => [node.id, rectOf(node)]));
}

/** Put all nodes, or the selected ones, in layers along their wires. */
export function arrange(): void {
  const { view: document, selection } = useEditor.getState();
  const chosen = selection.nodes.size > 1 ? selection.nodes : new Set(useCanvas.getState().placed.keys());
  apply(moveNodes(autoLayout(rectsOf(chosen), document.edges)), "step.arrange");
}

/** Align the selected nodes to each other. */
export function alignSelected(how: Alignment): void {
  const { selection } = useEditor.getState();
  if (selection.nodes.size < 2) return;
  apply(moveNodes(align(rectsOf(selection.nodes), how)), "step.arrange");
}

/** A group around the selected nodes. */
export function groupSelected(title: string): void {
  const { selection } = useEditor.getState();
  apply(addGroup(Object.values(rectsOf(selection.nodes)), title), "step.group");
}
