/**
 * Which part of the canvas is drawn: what the window shows, with a margin. It stays the same while the person looks
 * about inside of it, so that panning draws nothing anew, and what is farther away is not in the page at all.
 */

import type { Rect } from "./document";

/** How much is drawn beyond each side of the window, in widths and heights of it. */
const MARGIN = 0.5;
/** Below this zoom nodes are tiles. */
export const FAR_ZOOM = 0.38;
/** How many times larger than needed an area may be before it is made smaller: of whole nodes, and of tiles, which cost little. */
const SLACK = { near: 1.6, far: 6 };

interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** What a window shows, in canvas coordinates. */
export function seenRect(view: View, width: number, height: number): Rect {
  return { x: -view.x / view.zoom, y: -view.y / view.zoom, width: width / view.zoom, height: height / view.zoom };
}

function contains(outer: Rect, inner: Rect): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

/** The area to draw for what is seen: the one before, as long as it holds all of it and is not far too large. */
export function nextArea(before: Rect | undefined, seen: Rect, zoom: number): Rect {
  const full = 1 + 2 * MARGIN;
  const slack = zoom < FAR_ZOOM ? SLACK.far : SLACK.near;
  if (before && contains(before, seen) && before.width <= seen.width * full * slack) return before;
  return { x: seen.x - seen.width * MARGIN, y: seen.y - seen.height * MARGIN, width: seen.width * full, height: seen.height * full };
}

/** Whether two rectangles share anything. */
export function touches(left: Rect, right: Rect): boolean {
  return (
    left.x <= right.x + right.width &&
    right.x <= left.x + left.width &&
    left.y <= right.y + right.height &&
    right.y <= left.y + left.height
  );
}
