/** Dropping a node on a wire: which wire lies under it, and which of its sockets would take it. */

import { fit } from "../../graph/compatibility";
import { edgeId, type Edge } from "../../graph/document";
import { inputPoint, outputPoint, wireMiddle, type Point } from "../../graph/place";
import { inputType, outputType } from "../../graph/sockets";
import { useCanvas } from "../../store/canvas";
import { useEditor } from "../../store/editor";

/** How far beside the node a wire may pass. */
const REACH = 24;

/** The sockets by which a node would stand in a wire; undefined where it cannot, or already is wired. */
export function insertion(id: string, wire: Edge): { readonly input: string; readonly output: string } | undefined {
  const { view: document, catalogue } = useEditor.getState();
  const placed = useCanvas.getState().placed.get(id);
  if (!placed || placed.wired.size > 0 || placed.read.size > 0) return undefined;
  const carried = outputType(document, catalogue, wire.from);
  const wanted = inputType(document, catalogue, wire.to);
  const input = placed.sockets.inputs.find((socket) => socket.type.classes.length > 0 && fit(carried, socket.type))
    ?? placed.sockets.inputs.find((socket) => fit(carried, socket.type));
  const output = placed.sockets.outputs.find((socket) => fit(socket.type, wanted));
  return input && output ? { input: input.name, output: output.name } : undefined;
}

/** The wire under the middle of a dragged node that would take it. */
export function wireUnder(id: string, at: Point): string | undefined {
  const { view: document } = useEditor.getState();
  const { placed } = useCanvas.getState();
  const node = placed.get(id);
  if (!node || node.wired.size > 0 || node.read.size > 0) return undefined;
  const { width, height } = node.geometry;
  const found = document.edges.find((edge) => {
    const [from, to] = [placed.get(edge.from.node), placed.get(edge.to.node)];
    if (!from || !to || from.id === id || to.id === id) return false;
    const middle = wireMiddle(outputPoint(from, edge.from.socket), inputPoint(to, edge.to.socket));
    const inside =
      middle.x > at.x && middle.x < at.x + width && middle.y > at.y - REACH && middle.y < at.y + Math.min(height, 240) + REACH;
    return inside && insertion(id, edge) !== undefined;
  });
  return found && edgeId(found);
}
