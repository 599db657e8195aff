import { expect, it } from "vitest";
import { frameAt, momentOf } from "./frames";

const FRAME = 1001 / 30_000;
const ALL = 40 * FRAME;

it("steps through every frame once, there and back", () => {
  let time = 0;
  const seen = [frameAt(time, FRAME)];
  for (let step = 0; step < 39; step += 1) {
    time = momentOf(time, 1, FRAME, ALL);
    seen.push(frameAt(time, FRAME));
  }
  for (let step = 0; step < 39; step += 1) time = momentOf(time, -1, FRAME, ALL);
  expect(seen).toEqual([...Array(40).keys()]);
  expect(frameAt(time, FRAME)).toBe(0);
});

it("stays at the first and the last frame", () => {
  expect(frameAt(momentOf(0, -1, FRAME, ALL), FRAME)).toBe(0);
  expect(frameAt(momentOf(ALL, 1, FRAME, ALL), FRAME)).toBe(39);
});

it("takes the beginning of a frame for that frame, however it was rounded", () => {
  for (let frame = 0; frame < 40; frame += 1) expect(frameAt(Number((frame * FRAME).toFixed(6)), FRAME)).toBe(frame);
});
