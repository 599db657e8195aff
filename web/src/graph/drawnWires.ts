/** Where the wires are that lie in the part of the canvas that is drawn. Pure. */

import type { TypeInfo } from "../api/protocol";
import { touches } from "./area";
import { ANY_TYPE } from "./compatibility";
import { edgeId, type Edge, type Rect } from "./document";
import { inputPoint, outputPoint, wireReach, type Placed, type PlacedNodes, type Point } from "./place";

export interface DrawnWire {
  readonly id: string;
  readonly edge: Edge;
  readonly from: Placed;
  readonly to: Placed;
  readonly start: Point;
  readonly end: Point;
  readonly type: TypeInfo;
  /** It carries nothing now: a node at one of its ends is muted. */
  readonly muted: boolean;
}

/** The rectangle in which a wire is drawn. */
function boxOf(start: Point, end: Point): Rect {
  const reach = wireReach(start, end);
  const left = Math.min(start.x, end.x - reach);
  const top = Math.min(start.y, end.y);
  return { x: left, y: top, width: Math.max(start.x + reach, end.x) - left, height: Math.abs(end.y - start.y) };
}

/** The wires in an area, with their ends; `drag` says where nodes in the hand are. */
export function drawnWires(
  edges: readonly Edge[],
  placed: PlacedNodes,
  drag: Readonly<Record<string, Point>>,
  area: Rect | undefined,
): readonly DrawnWire[] {
  return edges.flatMap((edge): DrawnWire[] => {
    const from = placed.get(edge.from.node);
    const to = placed.get(edge.to.node);
    if (!from || !to) return [];
    const start = outputPoint(from, edge.from.socket, drag[from.id]);
    const end = inputPoint(to, edge.to.socket, drag[to.id]);
    if (area && !touches(area, boxOf(start, end))) return [];
    const type = from.sockets.outputs.find((output) => output.name === edge.from.socket)?.type ?? ANY_TYPE;
    const muted = from.record.mode === "mute" || to.record.mode === "mute";
    return [{ id: edgeId(edge), edge, from, to, start, end, type, muted }];
  });
}
