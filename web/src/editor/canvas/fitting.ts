import { getViewportForBounds, type Viewport } from "@xyflow/react";
import { around } from "../../graph/boxes";
import type { Rect } from "../../graph/document";

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Zooming {
  readonly padding: number;
  readonly min: number;
  readonly max: number;
}

const overlap = (one: Rect, other: Rect): boolean =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;

const inWindow = ({ x, y, width, height }: Rect, view: Viewport): Rect => ({
  x: x * view.zoom + view.x,
  y: y * view.zoom + view.y,
  width: width * view.zoom,
  height: height * view.zoom,
});

/**
 * Where to look so that all rectangles are seen and none lies under what stands in the lower corners of the window
 * (`standing`: the minimap, the zoom buttons). Where something would, what is beside or above it is used, whichever shows more.
 */
export function viewOf(rects: readonly Rect[], size: Size, standing: readonly Rect[], { padding, min, max }: Zooming): Viewport | undefined {
  const all = around(rects);
  if (!all) return undefined;
  const viewIn = (area: Size): Viewport => getViewportForBounds(all, area.width, area.height, min, max, padding);
  const isFree = (view: Viewport): boolean => !rects.some((rect) => standing.some((thing) => overlap(inWindow(rect, view), thing)));
  const whole = viewIn(size);
  if (isFree(whole)) return whole;
  const right = Math.min(...standing.map(({ x }) => (x > size.width / 2 ? x : size.width)));
  const bottom = Math.min(...standing.map(({ y }) => y));
  const beside = viewIn({ width: right, height: size.height });
  const above = viewIn({ width: size.width, height: bottom });
  return isFree(beside) && beside.zoom >= above.zoom ? beside : above;
}
