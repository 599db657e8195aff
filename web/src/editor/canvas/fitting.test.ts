import { describe, expect, test } from "vitest";
import { viewOf } from "./fitting";

const SIZE = { width: 1000, height: 800 };
const MAP = { x: 790, y: 640, width: 200, height: 150 };
const BUTTONS = { x: 10, y: 740, width: 170, height: 40 };
const ZOOMING = { padding: 0.1, min: 0.05, max: 1 };

/** The rectangle as the window shows it. */
function seen(rect: { x: number; y: number; width: number; height: number }, view: { x: number; y: number; zoom: number }) {
  const [left, top] = [rect.x * view.zoom + view.x, rect.y * view.zoom + view.y];
  return { left, top, right: left + rect.width * view.zoom, bottom: top + rect.height * view.zoom };
}

describe("looking at everything", () => {
  test("is as ever where nothing stands in the way", () => {
    const row = [0, 1, 2].map((place) => ({ x: place * 300, y: 0, width: 200, height: 100 }));
    expect(viewOf(row, SIZE, [MAP, BUTTONS], ZOOMING)).toEqual(viewOf(row, SIZE, [], ZOOMING));
    const diagonalUp = [{ x: 0, y: 900, width: 10, height: 10 }, { x: 900, y: 0, width: 200, height: 100 }];
    expect(viewOf(diagonalUp, SIZE, [MAP], ZOOMING)).toEqual(viewOf(diagonalUp, SIZE, [], ZOOMING));
  });

  test("keeps the last node out of the corner of the map", () => {
    const diagonal = [0, 1, 2, 3].map((place) => ({ x: place * 400, y: place * 330, width: 260, height: 300 }));
    const view = viewOf(diagonal, SIZE, [MAP, BUTTONS], ZOOMING);
    if (!view) throw new Error("nothing to look at");
    for (const rect of diagonal) {
      const { left, top, right, bottom } = seen(rect, view);
      expect(left >= 0 && top >= 0 && right <= SIZE.width && bottom <= SIZE.height).toBe(true);
      expect(right > MAP.x && bottom > MAP.y).toBe(false);
    }
  });

  test("takes what shows more: beside the map where the graph is tall", () => {
    const tall = { x: 0, y: 0, width: 900, height: 3000 };
    const wide = { x: 0, y: 0, width: 3000, height: 1900 };
    expect(viewOf([tall], SIZE, [MAP], ZOOMING)).toEqual(viewOf([tall], SIZE, [], ZOOMING));
    const view = viewOf([wide], SIZE, [MAP], ZOOMING);
    if (!view) throw new Error("nothing to look at");
    expect(seen(wide, view).bottom).toBeLessThanOrEqual(MAP.y);
  });

  test("of nothing is nowhere", () => expect(viewOf([], SIZE, [MAP], ZOOMING)).toBeUndefined());
});
