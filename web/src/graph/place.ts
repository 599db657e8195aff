/**
 * Where everything is on the canvas, from the document. Entries keep their identity from one call to the next while
 * nothing that they show has changed, so that the view draws only what did.
 */

import { DEFAULT_WIDTH, dotGeometry, geometryOf, inputY, type Geometry, type NodeFurniture } from "./geometry";
import type { NodeId, NodeLayout, NodeRecord, Rect, WorkflowDocument } from "./document";
import { INPUTS, isBoundary, pathOf, type Scope } from "./bodies";
import { REROUTE } from "./reroute";
import { edgesInto, edgesOutOf, socketsOf, wiringOf, type Catalogue, type Sockets } from "./sockets";
import type { NodeTypeInfo } from "../api/protocol";

export interface Placed {
  readonly id: NodeId;
  readonly record: NodeRecord;
  readonly info: NodeTypeInfo | undefined;
  readonly layout: NodeLayout;
  readonly sockets: Sockets;
  readonly geometry: Geometry;
  readonly wired: ReadonlySet<string>;
  /** Wired inputs whose value can be set here all the same: the sub-graph's input that feeds them has no wire outside. */
  readonly open: ReadonlySet<string>;
  /** The node's name in events, plans and problems: its id, behind the ids of the nodes that it stands in. */
  readonly path: string;
  readonly read: ReadonlySet<string>;
}

export type PlacedNodes = ReadonlyMap<NodeId, Placed>;

interface Remembered {
  readonly catalogue: Catalogue;
  readonly wiredKey: string;
  readonly furniture: NodeFurniture;
  readonly placed: Placed;
}

export type Furnish = (path: string, info: NodeTypeInfo | undefined, record: NodeRecord) => NodeFurniture;

/** Where the placed document stands in the whole one. */
export interface Inside {
  readonly scope: Scope;
  /** The inputs that no wire feeds from outside. */
  readonly open: ReadonlySet<string>;
}

export const OUTSIDE: Inside = { scope: [], open: new Set() };

/** A placer remembers its last answer. One per view. */
export function makePlacer(): (document: WorkflowDocument, catalogue: Catalogue, furnish: Furnish, inside?: Inside) => PlacedNodes {
  let memory = new Map<NodeId, Remembered>();
  return (document, catalogue, furnish, inside = OUTSIDE) => {
    const wiring = wiringOf(document.edges);
    const next = new Map<NodeId, Remembered>();
    const result = new Map<NodeId, Placed>();
    let index = 0;
    for (const [id, record] of Object.entries(document.nodes)) {
      const info = catalogue.get(record.type);
      const path = pathOf(inside.scope, id);
      const furniture = furnish(path, info, record);
      const into = edgesInto(wiring, id);
      const wired = into.map((edge) => edge.to.socket);
      const open = into.filter((edge) => edge.from.node === INPUTS && inside.open.has(edge.from.socket)).map((edge) => edge.to.socket);
      const outOf = edgesOutOf(wiring, id);
      const read = outOf.map((edge) => edge.from.socket);
      const far = isBoundary(id) || record.type === REROUTE ? [...into, ...outOf].map((edge) => `${edge.from.node}.${edge.from.socket}>${edge.to.node}.${edge.to.socket}`) : [];
      const wiredKey = [wired, read, open, far, [path]].map((names) => names.join("\n")).join("\t");
      const layout = document.layout.nodes[id] ?? memory.get(id)?.placed.layout ?? unplaced(index);
      const known = memory.get(id);
      const fresh =
        known === undefined ||
        known.wiredKey !== wiredKey ||
        known.placed.record !== record ||
        known.placed.layout !== layout ||
        known.placed.info !== info ||
        known.catalogue !== catalogue ||
        known.furniture.media !== furniture.media ||
        known.furniture.footer !== furniture.footer;
      const entry = fresh ? remember(id, record, info, layout, { wired, read, open, path }, wiredKey, furniture) : known;
      next.set(id, entry);
      result.set(id, entry.placed);
      index += 1;
    }
    memory = next;
    return result;

    function remember(
      id: NodeId,
      record: NodeRecord,
      info: NodeTypeInfo | undefined,
      layout: NodeLayout,
      ends: { readonly wired: readonly string[]; readonly read: readonly string[]; readonly open: readonly string[]; readonly path: string },
      wiredKey: string,
      furniture: NodeFurniture,
    ): Remembered {
      const sockets = socketsOf(record, wiring, id, catalogue, document);
      const wired = new Set(ends.wired);
      const open = new Set(ends.open);
      const closed = new Set(ends.wired.filter((name) => !open.has(name)));
      const isDot = record.type === REROUTE && info !== undefined;
      const geometry = isDot ? dotGeometry(sockets) : geometryOf(sockets, layout, closed, furniture);
      const placed = { id, record, info, layout, sockets, geometry, wired, open, path: ends.path, read: new Set(ends.read) };
      return { catalogue, wiredKey, furniture, placed };
    }
  };
}

/** A node without a place (written by hand or by a program) stands in a raster until it is arranged. */
function unplaced(index: number): NodeLayout {
  const column = index % 5;
  return { x: column * (DEFAULT_WIDTH + 80), y: Math.floor(index / 5) * 320 };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where an output's socket is on the canvas. */
export function outputPoint(placed: Placed, name: string, at: Point = placed.layout): Point {
  const row = placed.geometry.outputs.find((output) => output.name === name);
  return { x: at.x + placed.geometry.width, y: at.y + (row?.y ?? 18) };
}

/** Where an input's socket is on the canvas. */
export function inputPoint(placed: Placed, name: string, at: Point = placed.layout): Point {
  const row = placed.geometry.inputs.find((input) => input.socket.name === name);
  return { x: at.x, y: at.y + (row === undefined ? 18 : inputY(row)) };
}

/** The rectangle that a node covers. */
export function rectOf(placed: Placed): Rect {
  return { x: placed.layout.x, y: placed.layout.y, width: placed.geometry.width, height: placed.geometry.height };
}

/** How far a wire goes straight before it bends. */
export function wireReach(from: Point, to: Point): number {
  return Math.max(32, Math.min(160, Math.abs(to.x - from.x) * 0.5 + (to.x < from.x ? 60 : 0)));
}

/** The path of a wire: leaves to the right, arrives from the left. */
export function wirePath(from: Point, to: Point): string {
  const reach = wireReach(from, to);
  return `M${from.x},${from.y} C${from.x + reach},${from.y} ${to.x - reach},${to.y} ${to.x},${to.y}`;
}

/** The middle of a wire's path. */
export function wireMiddle(from: Point, to: Point): Point {
  return { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
}
