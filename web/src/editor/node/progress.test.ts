import { describe, expect, it } from "vitest";
import type { Placed } from "../../graph/place";
import type { NodeRun } from "../../store/run";
import { runInside } from "../../store/summary";
import { shareOf, turnsOf } from "./progress";

const loop = (values: Record<string, number>, wired: string[] = []): Pick<Placed, "record" | "info" | "wired"> => ({
  record: { type: "ForLoop", values } as Placed["record"],
  info: undefined,
  wired: new Set(wired),
});

describe("the progress of a loop", () => {
  const nodes: Record<string, NodeRun> = {
    "loop/0/sampler": { state: "done", seconds: 4 },
    "loop/1/sampler": { state: "running", step: 4, total: 16, seconds: 1 },
    "loop/1/decode": { state: "waiting" },
  };

  it("is the turn, the node in it and that node's steps", () => {
    expect(runInside(nodes, "loop")).toMatchObject({ state: "running", turn: 2, message: "sampler", step: 4, total: 16 });
  });

  it("fills the bar over all turns where their number is known", () => {
    const run = runInside(nodes, "loop") as NodeRun;
    expect(shareOf(run, turnsOf(loop({ count: 4 })))).toBeCloseTo((1 + 0.25) / 4);
    expect(shareOf(run, turnsOf(loop({ count: 4 }, ["count"])))).toBeCloseTo(0.25);
  });

  it("has no turn in a sub-graph that is no loop", () => {
    expect(runInside({ "part/sampler": { state: "running" } }, "part")?.turn).toBeUndefined();
  });
});
