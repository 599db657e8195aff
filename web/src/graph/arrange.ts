/** Put nodes in order: layers from left to right, or aligned to each other. */

import dagre from "@dagrejs/dagre";
import type { Places } from "./commands";
import { snap } from "./geometry";
import type { Edge, NodeId, Rect } from "./document";

export type Alignment = "left" | "right" | "top" | "bottom" | "column" | "row" | "spreadX" | "spreadY";

/** Positions in layers along the wires. The result keeps the top left corner where it was. */
export function autoLayout(rects: Readonly<Record<NodeId, Rect>>, edges: readonly Edge[]): Places {
  const ids = Object.keys(rects);
  if (ids.length === 0) return {};
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 40, ranksep: 96, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, rect] of Object.entries(rects)) graph.setNode(id, { width: rect.width, height: rect.height });
  edges.forEach((edge, index) => {
    if (edge.from.node in rects && edge.to.node in rects) graph.setEdge(edge.from.node, edge.to.node, {}, String(index));
  });
  dagre.layout(graph);
  const placed = ids.map((id) => {
    const node = graph.node(id) as { x: number; y: number; width: number; height: number };
    return { id, x: node.x - node.width / 2, y: node.y - node.height / 2 };
  });
  const left = Math.min(...placed.map((place) => place.x));
  const top = Math.min(...placed.map((place) => place.y));
  const origin = {
    x: Math.min(...Object.values(rects).map((rect) => rect.x)),
    y: Math.min(...Object.values(rects).map((rect) => rect.y)),
  };
  return Object.fromEntries(
    placed.map(({ id, x, y }) => [id, { x: snap(origin.x + x - left), y: snap(origin.y + y - top) }]),
  );
}

/** Positions along a common edge, or one after the other with equal gaps. */
export function align(rects: Readonly<Record<NodeId, Rect>>, how: Alignment): Places {
  const all = Object.entries(rects);
  const left = Math.min(...all.map(([, rect]) => rect.x));
  const top = Math.min(...all.map(([, rect]) => rect.y));
  const right = Math.max(...all.map(([, rect]) => rect.x + rect.width));
  const bottom = Math.max(...all.map(([, rect]) => rect.y + rect.height));
  if (how === "column" || how === "row") return stack(all, how, left, top);
  if (how === "spreadX" || how === "spreadY") return spread(all, how === "spreadX" ? "x" : "y");
  return Object.fromEntries(
    all.map(([id, rect]) => {
      const x = how === "left" ? left : how === "right" ? right - rect.width : rect.x;
      const y = how === "top" ? top : how === "bottom" ? bottom - rect.height : rect.y;
      return [id, { x, y }];
    }),
  );
}

/** The outer two stay; the gaps between all are made equal. */
function spread(all: readonly (readonly [NodeId, Rect])[], axis: "x" | "y"): Places {
  const size = axis === "x" ? "width" : "height";
  const sorted = [...all].sort(([, a], [, b]) => a[axis] - b[axis]);
  const [first, last] = [sorted[0]?.[1], sorted.at(-1)?.[1]];
  if (!first || !last) return {};
  const room = last[axis] + last[size] - first[axis] - sorted.reduce((sum, [, rect]) => sum + rect[size], 0);
  const gap = room / Math.max(1, sorted.length - 1);
  let at = first[axis];
  return Object.fromEntries(
    sorted.map(([id, rect]) => {
      const place = { x: rect.x, y: rect.y, [axis]: snap(at) };
      at += rect[size] + gap;
      return [id, place];
    }),
  );
}

function stack(all: readonly (readonly [NodeId, Rect])[], how: "column" | "row", left: number, top: number): Places {
  const gap = 40;
  const sorted = [...all].sort(([, a], [, b]) => (how === "column" ? a.y - b.y : a.x - b.x));
  let at = how === "column" ? top : left;
  return Object.fromEntries(
    sorted.map(([id, rect]) => {
      const place = how === "column" ? { x: left, y: at } : { x: at, y: top };
      at += (how === "column" ? rect.height : rect.width) + gap;
      return [id, place];
    }),
  );
}
