/** Looking at what wires carry: which output a key or a press means. */

import type { NodeId, SocketRef } from "../../graph/document";
import { SPARE } from "../../graph/bodies";
import { originOf } from "../../graph/homes";
import { useEditor } from "../../store/editor";
import { useCanvas } from "../../store/canvas";
import { lookAt, putViewer, showViewer, useViewers, PASSING } from "../../store/viewers";
import { toast } from "../../store/ui";
import { currentNode } from "./add";
import { tr } from "./tr";

/** Where the value of an output that is seen comes from: inside of a sub-graph, or outside of the one that is entered. */
function origin(ref: SocketRef): SocketRef {
  const { document, scope } = useEditor.getState();
  return originOf(document, scope, ref);
}

/** Look at an output on the canvas. */
export function lookAtSeen(ref: SocketRef): void {
  lookAt(origin(ref));
}

/** The outputs of a node, or what it reads where it has none (a node that only saves). */
function outputsOf(node: NodeId): readonly SocketRef[] {
  const placed = useCanvas.getState().placed.get(node);
  return placed?.sockets.outputs.filter((output) => output.name !== SPARE).map((output) => origin({ node, socket: output.name })) ?? [];
}

/** The output to look at: the first, or the one after that which the viewer shows already. */
function nextOutput(node: NodeId, slot: number): SocketRef | undefined {
  const outputs = outputsOf(node);
  const { slots, active } = useViewers.getState();
  const shown = slots[slot];
  const place = outputs.findIndex((ref) => active === slot && shown?.node === ref.node && shown.socket === ref.socket);
  return outputs[(place + 1) % Math.max(1, outputs.length)];
}

/** Look at the node under the keyboard; pressed again, at its next output. */
export function lookAtNode(node = currentNode()): void {
  if (node === undefined) return;
  const ref = nextOutput(node, PASSING);
  if (ref) lookAt(ref);
  else toast("info", tr("viewer.noOutput"));
}

/** A digit: put that viewer on the selected node; without one, bring the viewer to the front. */
export function digit(slot: number): void {
  const node = currentNode();
  if (node === undefined) {
    if (!showViewer(slot)) toast("info", tr("viewer.unused", { number: slot }));
    return;
  }
  const ref = nextOutput(node, slot);
  if (ref) putViewer(slot, ref);
  else toast("info", tr("viewer.noOutput"));
}
