import { describe, expect, it } from "vitest";
import { nextArea, seenRect, touches } from "./area";
import { drawnWires } from "./drawnWires";
import { makePlacer } from "./place";
import { CATALOGUE, pipeline } from "./testing";

describe("the part of the canvas that is drawn", () => {
  const seen = seenRect({ x: -500, y: -250, zoom: 0.5 }, 1000, 500);

  it("is what the window shows, with half of it more on each side", () => {
    expect(seen).toEqual({ x: 1000, y: 500, width: 2000, height: 1000 });
    expect(nextArea(undefined, seen, 0.5)).toEqual({ x: 0, y: 0, width: 4000, height: 2000 });
  });

  it("stays the same object while the person looks about inside of it", () => {
    const area = nextArea(undefined, seen, 0.5);
    expect(nextArea(area, { ...seen, x: 1990, y: 990 }, 0.5)).toBe(area);
    expect(nextArea(area, { ...seen, x: 2010 }, 0.5)).not.toBe(area);
  });

  it("becomes smaller when the person comes much nearer", () => {
    const area = nextArea(undefined, seen, 0.5);
    expect(nextArea(area, { x: 1500, y: 700, width: 1500, height: 750 }, 0.6)).toBe(area);
    expect(nextArea(area, { x: 1500, y: 700, width: 400, height: 200 }, 2.5).width).toBe(800);
  });

  it("is kept longer while nodes are tiles", () => {
    const area = nextArea(undefined, seen, 0.1);
    const nearer = { x: 1500, y: 700, width: 400, height: 200 };
    expect(nextArea(area, nearer, 0.3)).toBe(area);
    expect(nextArea(area, nearer, 0.4)).not.toBe(area);
    expect(nextArea(area, { ...nearer, width: 300, height: 150 }, 0.3).width).toBe(600);
  });

  it("is touched by what reaches into it", () => {
    const box = { x: 0, y: 0, width: 10, height: 10 };
    expect(touches(box, { x: 9, y: 9, width: 5, height: 5 })).toBe(true);
    expect(touches(box, { x: 11, y: 0, width: 5, height: 5 })).toBe(false);
  });
});

describe("wires in the drawn area", () => {
  const document = pipeline();
  const placed = makePlacer()(document, CATALOGUE, () => ({ media: false, footer: false }));
  const names = (area: Parameters<typeof drawnWires>[3], drag = {}): string[] => drawnWires(document.edges, placed, drag, area).map((wire) => wire.id);

  it("are all wires where nothing bounds it", () => {
    expect(names(undefined)).toHaveLength(document.edges.length);
  });

  it("are those that pass through, though both nodes stand outside", () => {
    const between = { x: 560, y: 0, width: 10, height: 400 };
    const nodes = [...placed.values()].filter((node) => touches(between, { ...node.layout, width: node.geometry.width, height: node.geometry.height }));
    expect(nodes.map((node) => node.id)).not.toContain("sampler");
    expect(names(between).sort()).toEqual(["sampler|latent", "sampler|model", "sampler|positive"]);
  });

  it("follow a node in the hand", () => {
    const away = { x: 5000, y: 5000, width: 100, height: 100 };
    expect(names(away)).toEqual([]);
    expect(names(away, { sampler: { x: 5000, y: 5000 } })).toHaveLength(4);
  });
});
