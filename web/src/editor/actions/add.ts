import { bodyJson, bodyView } from "../../graph/bodies";
import { addNode, connect, insertOnWire } from "../../graph/commands";
import type { Edge, NodeRecord, SocketRef } from "../../graph/document";
import { REROUTE } from "../../graph/reroute";
import { snap } from "../../graph/geometry";
import { apply, selectNodes, useEditor } from "../../store/editor";
import { blockById } from "../../store/blocks";
import { announce } from "../../store/ui";
import type { Found } from "../../graph/search";
import { tr } from "./tr";

/** A node with an inside begins with an empty one. */
function firstValues(type: string): NodeRecord["values"] {
  const inside = bodyView({ type, values: {} });
  return inside ? { body: bodyJson(inside) } : {};
}

/** Place a node of a type; with a wire in the hand, connect it in the same step. */
export function placeNode(
  found: Found,
  at: { readonly x: number; readonly y: number },
  wire?: { readonly side: "input" | "output"; readonly end: SocketRef },
): string {
  let placed = "";
  apply((document) => {
    const place = { x: snap(wire ? (wire.side === "input" ? at.x : at.x - 264) : at.x - 40), y: snap(at.y - 18) };
    const block = blockById(found.info.id);
    const type = block?.record.type ?? found.info.id;
    const added = addNode(document, type, place, block?.record.values ?? firstValues(type), block?.record.title);
    placed = added.id;
    if (!wire || found.socket === undefined) return added.document;
    const own = { node: added.id, socket: found.socket };
    return wire.side === "input" ? connect(wire.end, own)(added.document) : connect(own, wire.end)(added.document);
  }, "step.add");
  selectNodes([placed]);
  announce(tr("said.added", { title: found.info.title, id: placed }));
  return placed;
}

/** Put a reroute into a wire, where it was pressed. */
export function bendWire(wire: Edge, at: { readonly x: number; readonly y: number }): void {
  let placed = "";
  apply((document) => {
    const added = addNode(document, REROUTE, { x: snap(at.x - 24), y: snap(at.y - 14) });
    placed = added.id;
    return insertOnWire(added.id, wire, "value", "value")(added.document);
  }, "step.reroute");
  selectNodes([placed]);
}

/** The node under keyboard focus, else the only selected one. */
export function currentNode(): string | undefined {
  const focused = document.activeElement?.closest<HTMLElement>(".react-flow__node")?.dataset.id;
  const { selection, view: workflow } = useEditor.getState();
  if (focused !== undefined && focused in workflow.nodes) return focused;
  return selection.nodes.size === 1 ? [...selection.nodes][0] : undefined;
}
