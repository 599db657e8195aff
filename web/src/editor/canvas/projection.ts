/** From window coordinates to canvas coordinates, and where the canvas looks, for parts that stand outside of it. */

import type { ReactFlowInstance } from "@xyflow/react";
import type { NodeId, Rect } from "../../graph/document";
import { rectOf } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { useEditor } from "../../store/editor";
import { setUi } from "../../store/ui";
import { motionMs } from "../shared/motion";
import { viewOf } from "./fitting";

type Point = { x: number; y: number };
type Flow = Pick<ReactFlowInstance, "screenToFlowPosition" | "setViewport">;

export const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 3;
const REVEAL_PADDING = 0.4;
const FIT_PADDING = 0.15;
const FIT_ZOOM = 1.2;

let flow: Flow | undefined;

/** Tell who moves the canvas; called once it is there. */
export function setProjection(moved: Flow): void {
  flow = moved;
}

/** The canvas point under a window point. */
export function canvasPoint(screen: Point): Point {
  return flow ? flow.screenToFlowPosition(screen) : screen;
}

/** The canvas point in the middle of the window. */
export function canvasMiddle(): Point {
  return canvasPoint({ x: window.innerWidth / 2, y: window.innerHeight / 2 });
}

/** What stands on the canvas in its lower corners, in the canvas's coordinates. */
function standingOn(canvas: DOMRect): readonly Rect[] {
  return [...document.querySelectorAll(".canvas .minimap, .canvas .zoom-controls")]
    .map((element) => element.getBoundingClientRect())
    .filter((box) => box.width > 0)
    .map((box) => ({ x: box.x - canvas.x, y: box.y - canvas.y, width: box.width, height: box.height }));
}

function lookAtRects(rects: readonly Rect[], padding: number, maxZoom: number, duration: number): void {
  const box = document.querySelector(".canvas")?.getBoundingClientRect();
  if (!flow || !box || box.width === 0) return;
  const view = viewOf(rects, box, standingOn(box), { padding, min: MIN_ZOOM, max: maxZoom });
  if (view) void flow.setViewport(view, { duration });
}

/** Move the canvas so that a rectangle is seen. */
export function showRect(rect: Rect): void {
  lookAtRects([rect], REVEAL_PADDING, MAX_ZOOM, motionMs(200));
}

/** Move the canvas so that the named nodes are seen; without names everything on it. */
export function fitNodes(ids: ReadonlySet<NodeId> | undefined, how: { readonly maxZoom: number; readonly duration: number }): void {
  const nodes = [...useCanvas.getState().placed.values()].filter((node) => ids?.has(node.id) ?? true).map(rectOf);
  const { groups, notes } = useEditor.getState().view.layout;
  lookAtRects(ids ? nodes : [...nodes, ...groups, ...notes], FIT_PADDING, how.maxZoom, how.duration);
}

/** Move the canvas so that the selected nodes are seen, or everything. */
export function fitChosen(): void {
  const chosen = useEditor.getState().selection.nodes;
  fitNodes(chosen.size > 0 ? chosen : undefined, { maxZoom: FIT_ZOOM, duration: motionMs(200) });
}

/** Open the search where the pointer is. */
export function openPaletteAt(screen: Point): void {
  setUi({ palette: { at: canvasPoint(screen), screen }, menu: undefined });
}
