/** Which socket a wire in the hand would take: the nearest one, with the verdict. */

import { INPUTS, OUTPUTS } from "../../graph/bodies";
import { ANY_TYPE, fit, misfit } from "../../graph/compatibility";
import { closesCycle } from "../../graph/commands";
import type { SocketRef, WorkflowDocument } from "../../graph/document";
import { inputPoint, outputPoint, type PlacedNodes, type Point } from "../../graph/place";
import type { TypeInfo } from "../../api/protocol";
import type { LooseWire } from "../../store/canvas";
import type { Translate } from "../useT";

const NEAR = 28;

export interface Candidate extends SocketRef {
  readonly type: TypeInfo;
  readonly point: Point;
}

/** Every socket of one side, with its place. */
export function socketsOn(side: "input" | "output", placed: PlacedNodes): Candidate[] {
  const found: Candidate[] = [];
  for (const node of placed.values()) {
    if (side === "input") {
      for (const row of node.geometry.inputs) {
        const { name, type } = row.socket;
        found.push({ node: node.id, socket: name, type, point: inputPoint(node, name) });
      }
    } else {
      for (const row of node.geometry.outputs) {
        const type = node.sockets.outputs.find((output) => output.name === row.name)?.type ?? ANY_TYPE;
        found.push({ node: node.id, socket: row.name, type, point: outputPoint(node, row.name) });
      }
    }
  }
  return found;
}

/** Whether the wire may end at a socket, and why not. */
export function verdict(
  wire: Pick<LooseWire, "side" | "end" | "type">,
  target: SocketRef & { readonly type: TypeInfo },
  document: WorkflowDocument,
  t: Translate,
): { readonly ok: boolean; readonly why: string } {
  const [given, wanted] = wire.side === "input" ? [wire.type, target.type] : [target.type, wire.type];
  const ends = wire.side === "input" ? [wire.end.node, target.node] : [target.node, wire.end.node];
  if (ends[0] === INPUTS && ends[1] === OUTPUTS) return { ok: false, why: t("wire.through") };
  const wrong = misfit(given, wanted);
  if (wrong) return { ok: false, why: t("wire.misfit", { given: wrong.given, wanted: wrong.wanted }) };
  const [from, to] = wire.side === "input" ? [wire.end.node, target.node] : [target.node, wire.end.node];
  if (closesCycle(document, from, to)) return { ok: false, why: t("wire.cycle") };
  return { ok: fit(given, wanted) !== undefined, why: "" };
}

/** The nearest socket within reach of the pointer. */
export function nearest(candidates: readonly Candidate[], at: Point, zoom: number): Candidate | undefined {
  const reach = Math.max(NEAR, NEAR / zoom);
  let best: Candidate | undefined;
  let least = reach * reach;
  for (const candidate of candidates) {
    const distance = (candidate.point.x - at.x) ** 2 + (candidate.point.y - at.y) ** 2;
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}
