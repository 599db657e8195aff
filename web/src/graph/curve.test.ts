import { expect, test } from "vitest";
import { addedAt, halfway, moved, pointsOf, without } from "./curve";

const BEND = [[0, 0], [0.5, 1], [1, 0]] as const;

test("a document's curve is read from left to right, and what is none is the diagonal", () => {
  expect(pointsOf([[1, 0.2], [0, 0.4]])).toEqual([[0, 0.4], [1, 0.2]]);
  for (const none of [null, [], "up", [["a", 1]], { x: 1 }]) expect(pointsOf(none)).toEqual([[0, 0], [1, 1]]);
});

test("a moved point stays in the picture and between its neighbours", () => {
  expect(moved(BEND, 1, [0.25, 0.123456])[1]).toEqual([0.25, 0.123]);
  expect(moved(BEND, 1, [7, -3])[1]).toEqual([1, 0]);
  expect(moved(BEND, 0, [0.8, 2])[0]).toEqual([0.5, 1]);
  expect(moved(BEND, 1, [0.25, 0.1])[0]).toBe(BEND[0]);
});

test("points are added in their place", () => {
  expect(addedAt(BEND, [0.7, 0.3])).toEqual([[0, 0], [0.5, 1], [0.7, 0.3], [1, 0]]);
  expect(addedAt([[0.2, 0]], [0.9, 1])).toEqual([[0.2, 0], [0.9, 1]]);
  expect(halfway(BEND, 0)).toEqual({ points: [[0, 0], [0.25, 0.5], [0.5, 1], [1, 0]], index: 1 });
  expect(halfway(BEND, 2)).toEqual({ points: [[0, 0], [0.5, 1], [0.75, 0.5], [1, 0]], index: 2 });
  expect(halfway([[0, 0.4]], 0)).toEqual({ points: [[0, 0.4], [0.5, 0.4]], index: 1 });
});

test("the last point stays", () => {
  expect(without(BEND, 1)).toEqual([[0, 0], [1, 0]]);
  expect(without([[0, 1]], 0)).toEqual([[0, 1]]);
});
