import { addNode, connect } from "../../graph/commands";
import type { SocketRef } from "../../graph/document";
import { snap } from "../../graph/geometry";
import { apply, selectNodes, useEditor } from "../../store/editor";
import { announce } from "../../store/ui";
import type { Found } from "../../graph/search";
import { tr } from "./tr";

/** Place a node of a type; with a wire in the hand, connect it in the same step. */
export function placeNode(
  found: Found,
  at: { readonly x: number; readonly y: number },
  wire?: { readonly side: "input" | "output"; readonly end: SocketRef },
): string {
  let placed = "";
  apply((document) => {
    const place = { x: snap(wire ? (wire.side === "input" ? at.x : at.x - 264) : at.x - 40), y: snap(at.y - 18) };
    const added = addNode(document, found.info.id, place);
    placed = added.id;
    if (!wire || found.socket === undefined) return added.document;
    const own = { node: added.id, socket: found.socket };
    return wire.side === "input" ? connect(wire.end, own)(added.document) : connect(own, wire.end)(added.document);
  }, "step.add");
  selectNodes([placed]);
  announce(tr("said.added", { title: found.info.title, id: placed }));
  return placed;
}

/** The node under keyboard focus, else the only selected one. */
export function currentNode(): string | undefined {
  const focused = document.activeElement?.closest<HTMLElement>(".react-flow__node")?.dataset.id;
  const { selection, document: workflow } = useEditor.getState();
  if (focused !== undefined && focused in workflow.nodes) return focused;
  return selection.nodes.size === 1 ? [...selection.nodes][0] : undefined;
}
