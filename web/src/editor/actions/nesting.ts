/** Sub-graphs: make one of what is selected, go in and out, take one apart, keep one for other workflows. */

import { bodyView, containerOf, isBoundary } from "../../graph/bodies";
import { fit } from "../../graph/compatibility";
import { inputType, outputType } from "../../graph/sockets";
import { leavesAndReturns, makeSubgraph, unpackSubgraph } from "../../graph/nesting";
import { apply, enter, selectNodes, useEditor } from "../../store/editor";
import { announce, setUi, toast } from "../../store/ui";
import { saveBlock } from "../../store/blocks";
import { titleText } from "../shared/titles";
import { canvasPoint } from "../canvas/projection";
import { focusNodeElement } from "./focus";
import { currentNode } from "./add";
import { tr } from "./tr";

/** Put the selected nodes into a sub-graph, or into the body of a loop. */
export function nestSelected(type?: "ForLoop" | "WhileLoop"): void {
  const { view, selection, catalogue } = useEditor.getState();
  const ids = new Set([...selection.nodes].filter((id) => !isBoundary(id)));
  if (ids.size === 0) {
    toast("info", tr("subgraph.nothing"));
    return;
  }
  if (leavesAndReturns(view, ids)) {
    toast("error", tr("subgraph.circle"));
    return;
  }
  let made: string | undefined;
  apply((document) => {
    const result = makeSubgraph(document, ids, {
      title: type ? "" : tr("subgraph.untitled"),
      notes: selection.notes,
      ...(type ? { type } : {}),
      carries: (output, input) => fit(outputType(document, catalogue, output), inputType(document, catalogue, input)) === "direct",
    });
    made = result.id;
    return result.document;
  }, "step.nest");
  if (made !== undefined) {
    selectNodes([made]);
    announce(tr("said.nested", { count: ids.size }));
  }
}

/** Whether a node has an inside. */
export function hasInside(id: string | undefined): boolean {
  const record = id === undefined ? undefined : useEditor.getState().view.nodes[id];
  return record !== undefined && bodyView(record) !== undefined;
}

export function enterNode(id = currentNode()): void {
  if (id === undefined || !hasInside(id)) return;
  const { scope, view } = useEditor.getState();
  enter([...scope, id]);
  announce(tr("said.entered", { title: titleText(view.nodes[id], useEditor.getState().catalogue) }));
}

/** One level out; the node that was left is selected. */
export function leave(): void {
  const { scope } = useEditor.getState();
  if (scope.length === 0) return;
  enter(scope.slice(0, -1));
  announce(tr("said.left"));
  const left = scope.at(-1) ?? "";
  focusNodeElement(left);
}

/** Put the inner nodes of the selected sub-graph in its place. */
export function unpackSelected(): void {
  const id = currentNode();
  const record = id === undefined ? undefined : useEditor.getState().view.nodes[id];
  if (id === undefined || record === undefined || containerOf(record.type)?.loop !== false) return;
  let ids: readonly string[] = [];
  apply((document) => {
    const result = unpackSubgraph(document, id);
    ids = result.ids;
    return result.document;
  }, "step.unpack");
  selectNodes(ids);
}

/** Keep the selected sub-graph under its name, so that the search offers it in every workflow. */
export async function keepAsBlock(): Promise<void> {
  const id = currentNode();
  const { view, catalogue } = useEditor.getState();
  const record = id === undefined ? undefined : view.nodes[id];
  if (record === undefined || containerOf(record.type) === undefined) return;
  const name = titleText(record, catalogue);
  try {
    await saveBlock(name, record);
    toast("info", tr("block.saved", { name }), { label: tr("block.try"), run: () => setUi({ palette: middlePalette() }) });
  } catch (error) {
    toast("error", tr("block.failed", { name, reason: error instanceof Error ? error.message : String(error) }));
  }
}

function middlePalette(): { at: { x: number; y: number }; screen: { x: number; y: number } } {
  const screen = { x: window.innerWidth / 2 - 200, y: Math.max(80, window.innerHeight / 2 - 240) };
  return { at: canvasPoint(screen), screen };
}
