/** From window coordinates to canvas coordinates, for parts that stand outside the canvas. */

import { setUi } from "../../store/ui";

type Point = { x: number; y: number };

let toCanvas: (point: Point) => Point = (point) => point;
let reveal: (rect: { x: number; y: number; width: number; height: number }) => void = () => undefined;

/** Tell how window coordinates become canvas coordinates; called once the canvas is there. */
export function setProjection(project: typeof toCanvas, show: typeof reveal): void {
  toCanvas = project;
  reveal = show;
}

/** The canvas point under a window point. */
export function canvasPoint(screen: Point): Point {
  return toCanvas(screen);
}

/** The canvas point in the middle of the window. */
export function canvasMiddle(): Point {
  return toCanvas({ x: window.innerWidth / 2, y: window.innerHeight / 2 });
}

/** Move the canvas so that a rectangle is seen. */
export function showRect(rect: { x: number; y: number; width: number; height: number }): void {
  reveal(rect);
}

/** Open the search where the pointer is. */
export function openPaletteAt(screen: Point): void {
  setUi({ palette: { at: toCanvas(screen), screen }, menu: undefined });
}
