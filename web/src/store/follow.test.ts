import { describe, expect, it } from "vitest";
import type { JobState } from "../api/protocol";
import { EMPTY_DOCUMENT } from "../graph/document";
import { unknownJob } from "./events";
import { nextToShow } from "./follow";
import { EMPTY_RUN, type RunState } from "./run";

function queue(shown: string, ...states: (readonly [string, JobState])[]): RunState {
  const jobs = states.map(([id, state]) => ({ ...unknownJob(id), state, started: state === "queued" || state === "cancelled" ? null : 1 }));
  return {
    ...EMPTY_RUN,
    shown,
    jobs: Object.fromEntries(jobs.map((job) => [job.id, job])),
    sent: states.map(([job]) => ({ job, document: EMPTY_DOCUMENT, nodes: [] })),
  };
}

const next = (state: RunState, ...seen: string[]): string | undefined => nextToShow(state, new Set(seen))?.job;

describe("the nodes follow the queue", () => {
  it("and stay with a run that is under way", () => {
    expect(next(queue("a", ["a", "running"], ["b", "running"]))).toBeUndefined();
    expect(next(queue("a", ["a", "paused"], ["b", "running"]))).toBeUndefined();
  });
  it("to the next that has begun, also when it has ended meanwhile", () => {
    expect(next(queue("a", ["a", "succeeded"], ["b", "queued"]), "a")).toBeUndefined();
    expect(next(queue("a", ["a", "succeeded"], ["b", "succeeded"], ["c", "running"]), "a")).toBe("b");
    expect(next(queue("b", ["a", "succeeded"], ["b", "succeeded"], ["c", "running"]), "a", "b")).toBe("c");
  });
  it("past one that was put before the one that waits", () => {
    expect(next(queue("a", ["a", "queued"], ["b", "running"]))).toBe("b");
    expect(next(queue("b", ["a", "running"], ["b", "succeeded"]), "b")).toBe("a");
  });
  it("but not to one that was cancelled before it began", () => {
    expect(next(queue("a", ["a", "succeeded"], ["b", "cancelled"], ["c", "succeeded"]), "a")).toBe("c");
  });
});
