import type { JsonValue } from "./document";

/** A point of a curve, both numbers in 0..1. */
export type Point = readonly [number, number];

const DIAGONAL: readonly Point[] = [[0, 0], [1, 1]];

const inside = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

/** The points of a curve as a document holds it, from left to right; the diagonal for what is none. */
export function pointsOf(value: JsonValue): readonly Point[] {
  if (!Array.isArray(value)) return DIAGONAL;
  const points = value.flatMap((entry): Point[] =>
    Array.isArray(entry) && typeof entry[0] === "number" && typeof entry[1] === "number" ? [[entry[0], entry[1]]] : [],
  );
  return points.length > 0 ? points.sort((left, right) => left[0] - right[0]) : DIAGONAL;
}

/** The curve with one point elsewhere; it stays between its neighbours. */
export function moved(points: readonly Point[], index: number, [x, y]: Point): readonly Point[] {
  const low = points[index - 1]?.[0] ?? 0;
  const high = points[index + 1]?.[0] ?? 1;
  return points.map((point, place) => (place === index ? [Math.min(high, Math.max(low, inside(x))), inside(y)] : point));
}

/** The curve with one point more. */
export function addedAt(points: readonly Point[], [x, y]: Point): readonly Point[] {
  const added: Point = [inside(x), inside(y)];
  const place = points.findIndex((point) => point[0] > added[0]);
  return place < 0 ? [...points, added] : points.toSpliced(place, 0, added);
}

/** The curve with a point more, on its line halfway to the next point (from the last one: to the one before). */
export function halfway(points: readonly Point[], index: number): { readonly points: readonly Point[]; readonly index: number } {
  const left = index + 1 < points.length ? index : Math.max(0, index - 1);
  const [from, to] = [points[left] ?? [0, 0], points[left + 1] ?? [1, points[left]?.[1] ?? 0]];
  const added: Point = [inside((from[0] + to[0]) / 2), inside((from[1] + to[1]) / 2)];
  return { points: points.toSpliced(left + 1, 0, added), index: left + 1 };
}

/** The curve without a point; the last one stays. */
export function without(points: readonly Point[], index: number): readonly Point[] {
  return points.length > 1 ? points.toSpliced(index, 1) : points;
}
