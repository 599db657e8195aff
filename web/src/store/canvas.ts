/** What the canvas is doing at this moment: placed nodes, nodes in the hand, the wire in the hand. Never saved. */

import { create } from "zustand";
import type { TypeInfo } from "../api/protocol";
import type { Rect, SocketRef } from "../graph/document";
import type { PlacedNodes, Point } from "../graph/place";

/** A wire that is being drawn. `side` is the end that is still missing. */
export interface LooseWire {
  readonly side: "input" | "output";
  readonly end: SocketRef;
  readonly type: TypeInfo;
  readonly start: Point;
  readonly to: Point;
  /** The socket under the pointer, and whether it fits. */
  readonly over: (SocketRef & { readonly ok: boolean; readonly why: string }) | undefined;
  /** The wire that was taken off an input. */
  readonly lifted: string | undefined;
}

export interface CanvasState {
  readonly placed: PlacedNodes;
  /** The part of the canvas that is in the page; undefined before the first look. */
  readonly area: Rect | undefined;
  /** Positions of nodes while they are dragged. */
  readonly drag: Readonly<Record<string, Point>>;
  readonly wire: LooseWire | undefined;
  /** The wire on which a dragged node would be put. */
  readonly dropEdge: string | undefined;
}

export const NO_DRAG: Readonly<Record<string, Point>> = {};

export const useCanvas = create<CanvasState>(() => ({
  placed: new Map(),
  area: undefined,
  drag: NO_DRAG,
  wire: undefined,
  dropEdge: undefined,
}));
