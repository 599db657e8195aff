/**
 * How large a node is and where its sockets sit, computed instead of measured.
 *
 * Because sizes are known before anything is drawn, a node outside the window never has to be drawn, a workflow of a
 * thousand nodes opens at once, and wires end exactly at their sockets at every zoom.
 */

import type { WidgetInfo } from "../api/protocol";
import type { NodeLayout } from "./document";
import type { InputSocket, Sockets } from "./sockets";

export const GRID = 8;
export const HEADER = 36;
export const ROW = 28;
export const MULTILINE = 100;
export const CURVE = 96;
export const PADDING = 8;
export const FOOTER = 24;
export const MEDIA = 176;
export const MIN_WIDTH = 176;
export const DEFAULT_WIDTH = 264;

export interface InputRow {
  readonly socket: InputSocket;
  readonly y: number;
  readonly height: number;
}

export interface OutputRow {
  readonly name: string;
  readonly y: number;
}

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly inputs: readonly InputRow[];
  readonly outputs: readonly OutputRow[];
  readonly moreY: number | undefined;
  readonly mediaY: number | undefined;
  readonly footerY: number | undefined;
  /** Advanced inputs that are folded away. */
  readonly folded: number;
}

export interface NodeFurniture {
  /** A picture, player or text is shown in the node. */
  readonly media: boolean;
  /** The line with progress, time and cache state is shown. */
  readonly footer: boolean;
}

function rowHeight(widget: WidgetInfo | null, wired: boolean): number {
  if (widget === null || wired) return ROW;
  if (widget.multiline || widget.kind === "json" || widget.kind.includes(".")) return MULTILINE; // a plugin's own
  if (widget.kind === "curve") return CURVE;
  return ROW;
}

const DOT = { width: 48, height: ROW } as const;

/** A reroute is a knot in a wire: one socket on each side, nothing else. */
export function dotGeometry(sockets: Sockets): Geometry {
  return {
    ...DOT,
    inputs: sockets.inputs.map((socket) => ({ socket, y: 0, height: ROW })),
    outputs: sockets.outputs.map((output) => ({ name: output.name, y: ROW / 2 })),
    moreY: undefined,
    mediaY: undefined,
    footerY: undefined,
    folded: 0,
  };
}

/** Lay a node out: outputs first (right), inputs below (left), then result and status. */
export function geometryOf(
  sockets: Sockets,
  layout: NodeLayout | undefined,
  wired: ReadonlySet<string>,
  furniture: NodeFurniture,
): Geometry {
  const width = Math.max(MIN_WIDTH, layout?.width ?? DEFAULT_WIDTH);
  if (layout?.collapsed) return collapsed(sockets, width);
  let y = HEADER + PADDING / 2;
  const outputs = sockets.outputs.map((output) => {
    const row = { name: output.name, y: y + ROW / 2 };
    y += ROW;
    return row;
  });
  const inputs: InputRow[] = [];
  let folded = 0;
  const advanced = sockets.inputs.filter((socket) => socket.widget?.advanced);
  for (const socket of sockets.inputs) {
    const isWired = wired.has(socket.name);
    if (socket.widget?.advanced && !layout?.advanced && !isWired) {
      folded += 1;
      continue;
    }
    const height = rowHeight(socket.widget, isWired);
    inputs.push({ socket, y, height });
    y += height;
  }
  const moreY = advanced.length > 0 ? y : undefined;
  if (moreY !== undefined) y += ROW;
  y += PADDING / 2;
  const mediaY = furniture.media ? y : undefined;
  if (mediaY !== undefined) y += MEDIA + PADDING;
  const footerY = furniture.footer ? y : undefined;
  if (footerY !== undefined) y += FOOTER;
  return { width, height: y + PADDING / 2, inputs, outputs, moreY, mediaY, footerY, folded };
}

function collapsed(sockets: Sockets, width: number): Geometry {
  return {
    width,
    height: HEADER,
    inputs: sockets.inputs.map((socket) => ({ socket, y: 4, height: ROW })),
    outputs: sockets.outputs.map((output) => ({ name: output.name, y: HEADER / 2 })),
    moreY: undefined,
    mediaY: undefined,
    footerY: undefined,
    folded: 0,
  };
}

/** Where an input's socket is, from the node's top. */
export function inputY(row: InputRow): number {
  return row.y + ROW / 2;
}

/** Round a coordinate to the grid. */
export function snap(value: number): number {
  return Math.round(value / GRID) * GRID;
}
