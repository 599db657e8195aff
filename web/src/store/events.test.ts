import { describe, expect, it } from "vitest";
import type { StreamEvent } from "../api/protocol";
import { reduceEvent } from "./events";
import { EMPTY_RUN, type RunState } from "./run";

let n = 0;
const event = (type: string, more: Partial<StreamEvent> = {}): StreamEvent => ({ n: (n += 1), job: "j", type, ...more });
const after = (events: StreamEvent[], state: RunState = { ...EMPTY_RUN, shown: "j" }): RunState => events.reduce(reduceEvent, state);
const FILE = { node: "save", path: "a.mp4", url: "/api/files/outputs/a.mp4", media_type: "video/mp4", size: 1, job: "j", created: 1, title: "" };

describe("events", () => {
  it("tell a run from queue to result", () => {
    const state = after([
      event("job_queued", { state: "queued", title: "T" }),
      event("job_started", { state: "running", started: 5 }),
      event("node_started", { node: "a" }),
      event("node_progress", { node: "a", step: 3, total: 8 }),
      event("node_finished", { node: "a", seconds: 2, nbytes: 10 }),
      event("node_cached", { node: "b" }),
      event("job_finished", { state: "succeeded", finished: 9, outputs: [FILE] }),
    ]);
    expect(state.jobs.j).toMatchObject({ state: "succeeded", title: "T", started: 5, finished: 9, outputs: [FILE] });
    expect(state.nodes.a).toMatchObject({ state: "done", seconds: 2, memory: 10 });
    expect(state.nodes.b?.state).toBe("cached");
    expect(state.nodes.save?.outputs).toEqual([FILE]);
  });

  it("of other jobs change the queue, not the nodes", () => {
    const state = after([event("node_started", { node: "a", job: "other" }), event("job_queued", { job: "other" })]);
    expect(state.nodes).toEqual({});
    expect(state.jobs.other?.state).toBe("queued");
  });

  it("put the error of a failed job on its node and leave nothing running", () => {
    const error = { code: "node_failed", message: "too small", node: "b", problems: [] };
    const state = after([event("node_started", { node: "a" }), event("job_finished", { state: "failed", error })]);
    expect(state.nodes.a).toBeUndefined();
    expect(state.nodes.b).toMatchObject({ state: "failed", error: "too small" });
  });

  it("show files below the data folder before the job has ended", () => {
    const ui = { files: [{ name: "a b.mp4", path: "DATA/outputs/a b.mp4", media_type: "video/mp4" }] };
    const state = after([event("node_shown", { node: "save", ui })]);
    expect(state.nodes.save?.outputs?.[0]).toMatchObject({ url: "/api/files/outputs/a%20b.mp4", path: "a b.mp4" });
  });

  it("keep warnings until the node runs again", () => {
    const warned = after([event("node_logged", { node: "a", level: "warning", message: "odd word" })]);
    expect(warned.nodes.a?.warnings).toEqual(["odd word"]);
    expect(after([event("node_started", { node: "a" })], warned).nodes.a?.warnings).toBeUndefined();
  });

  it("forget deleted jobs", () => {
    const state = after([event("job_queued"), event("job_deleted", { job: "", id: "j" })]);
    expect(state.jobs).toEqual({});
  });
});
