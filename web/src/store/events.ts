/** How events change what is known of a run. Pure. */

import type { JobError, JobState, JobSummary, OutputFile, StreamEvent } from "../api/protocol";
import type { NodeRun, RunState } from "./run";

const STATES: Readonly<Record<string, JobState>> = {
  job_queued: "queued",
  job_started: "running",
};

const ENDED: ReadonlySet<JobState> = new Set(["succeeded", "failed", "cancelled", "parked"]);

export const isEnded = (state: JobState): boolean => ENDED.has(state);

/** A job of which nothing is known but its id. */
export function unknownJob(id: string, title = ""): JobSummary {
  return {
    id,
    state: "queued",
    title,
    client: "",
    priority: 0,
    created: Date.now() / 1000,
    started: null,
    finished: null,
    attempts: 0,
    seconds: null,
    nodes_run: null,
    nodes_cached: null,
    peak_memory: null,
    peak_device_memory: null,
    error: null,
    outputs: [],
    retry_of: "",
    fork_of: "",
    asked: "",
  };
}

/** The state after an event. */
export function reduceEvent(state: RunState, event: StreamEvent): RunState {
  if (event.type === "jobs_deleted") {
    const gone = new Set(event.ids);
    return { ...state, jobs: Object.fromEntries(Object.entries(state.jobs).filter(([id]) => !gone.has(id))) };
  }
  if (event.type === "queue_reordered") return { ...state, order: inNewOrder(state.order, event.ids ?? []) };
  const next = event.type.startsWith("job_") ? reduceJob(state, event) : state;
  if (event.job !== state.shown || !event.node || event.type.startsWith("job_")) return next;
  const before = next.nodes[event.node];
  const after = reduceNode(before, event);
  return after === before || after === undefined ? next : { ...next, nodes: { ...next.nodes, [event.node]: after } };
}

/** The jobs named take the places that they have together, in their new order. */
export function inNewOrder(order: readonly string[], ids: readonly string[]): readonly string[] {
  const moved = new Set(ids);
  const known = [...order, ...ids.filter((id) => !order.includes(id))];
  let next = 0;
  return known.map((id) => (moved.has(id) ? (ids[next++] ?? id) : id));
}

function errorOf(event: StreamEvent): JobError | null {
  const { error } = event;
  if (error === undefined || error === null) return null;
  if (typeof error === "string") return { code: error, message: event.message ?? error, node: event.node ?? "", problems: [] };
  return error as unknown as JobError;
}

function jobStateOf(event: StreamEvent, before: JobState): JobState {
  if (event.state !== undefined && event.state in TRUE_STATES) return event.state as JobState;
  return STATES[event.type] ?? before;
}

const TRUE_STATES: Readonly<Record<JobState, true>> = {
  queued: true,
  running: true,
  paused: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  parked: true,
};

function reduceJob(state: RunState, event: StreamEvent): RunState {
  if (event.type === "job_deleted") {
    return { ...state, jobs: Object.fromEntries(Object.entries(state.jobs).filter(([id]) => id !== event.id)) };
  }
  const before = state.jobs[event.job] ?? unknownJob(event.job, event.title);
  const jobState = jobStateOf(event, before.state);
  const seconds = Date.now() / 1000;
  const job: JobSummary = {
    ...before,
    state: jobState,
    title: event.title ?? before.title,
    client: event.client ?? before.client,
    started: event.started ?? (jobState === "running" ? (before.started ?? seconds) : before.started),
    finished: isEnded(jobState) ? (event.finished ?? before.finished ?? seconds) : null,
    created: event.created ?? before.created,
    retry_of: event.retry_of ?? before.retry_of,
    fork_of: event.fork_of ?? before.fork_of,
    seconds: event.seconds ?? before.seconds,
    nodes_run: event.nodes_run ?? before.nodes_run,
    nodes_cached: event.nodes_cached ?? before.nodes_cached,
    peak_memory: event.peak_memory ?? before.peak_memory,
    peak_device_memory: event.peak_device_memory ?? before.peak_device_memory,
    error: errorOf(event) ?? before.error,
    outputs: event.outputs ?? before.outputs,
  };
  const order = state.order.includes(event.job) ? state.order : [...state.order, event.job];
  const next = { ...state, order, jobs: { ...state.jobs, [event.job]: job } };
  if (event.job !== state.shown) return next;
  const nodes = withOutputs(next.nodes, event.outputs ?? []);
  return { ...next, nodes: isEnded(jobState) ? settle(nodes, job) : nodes };
}

function withOutputs(nodes: RunState["nodes"], outputs: readonly OutputFile[]): RunState["nodes"] {
  if (outputs.length === 0) return nodes;
  const result: Record<string, NodeRun> = { ...nodes };
  const fresh = new Set<string>();
  for (const output of outputs) {
    const run = result[output.node] ?? { state: "done" as const };
    const earlier = fresh.has(output.node) ? (run.outputs ?? []) : [];
    fresh.add(output.node);
    result[output.node] = { ...run, outputs: [...earlier, output] };
  }
  return result;
}

/** When a job ends, nothing waits or runs any more; the error is shown at its node. */
function settle(nodes: RunState["nodes"], job: JobSummary): RunState["nodes"] {
  const result: Record<string, NodeRun> = {};
  for (const [id, run] of Object.entries(nodes)) {
    if (run.state !== "waiting" && run.state !== "running") result[id] = run.question ? { ...run, question: undefined } : run;
    else if (run.state === "running" && job.state === "succeeded") result[id] = { ...run, question: undefined, state: "done" };
    else if (run.outputs || run.ui || run.preview) result[id] = { ...run, question: undefined, state: "skipped" };
  }
  const { error } = job;
  if (error?.node && job.state === "failed" && result[error.node]?.state !== "failed") {
    result[error.node] = { ...result[error.node], state: "failed", error: error.message };
  }
  return result;
}

/** Files that a node shows while the job still runs. They are named by their place below the data folder. */
function filesIn(event: StreamEvent): readonly OutputFile[] | undefined {
  const files = event.ui?.files;
  if (!Array.isArray(files)) return event.outputs;
  const found = files.flatMap((file): OutputFile[] => {
    if (typeof file !== "object" || file === null || Array.isArray(file)) return [];
    const { path, url, media_type: mediaType } = file;
    if (typeof path !== "string" || typeof mediaType !== "string") return [];
    const below = path.replace(/^DATA\//, "");
    const address = typeof url === "string" ? url : `/api/files/${below.split("/").map(encodeURIComponent).join("/")}`;
    const name = below.replace(/^outputs\//, "");
    return [{ node: event.node ?? "", path: name, url: address, media_type: mediaType, size: 0, job: event.job, created: 0, title: "" }];
  });
  return found.length > 0 ? found : event.outputs;
}

function reduceNode(before: NodeRun | undefined, event: StreamEvent): NodeRun | undefined {
  const run = before ?? { state: "waiting" as const };
  switch (event.type) {
    case "node_started":
      return { ...run, state: "running", question: undefined, step: undefined, total: undefined, message: undefined, error: undefined, warnings: undefined };
    case "node_progress":
      return { ...run, state: "running", step: event.step, total: event.total, message: event.message, seconds: event.seconds };
    case "node_finished":
      return { ...run, state: "done", seconds: event.seconds ?? run.seconds, memory: event.nbytes, message: undefined };
    case "node_cached":
      return { ...run, state: "cached" };
    case "node_asks":
      return { ...run, state: "running", question: { text: event.question ?? "", choices: event.choices ?? [] } };
    case "node_answered":
      return { ...run, question: undefined };
    case "node_skipped":
      return { ...run, state: "skipped", message: event.message };
    case "node_failed":
      return { ...run, state: "failed", socket: event.socket, error: event.message ?? "", details: event.details };
    case "node_logged":
      if (event.level !== "warning" && event.level !== "error") return before;
      return { ...run, warnings: [...(run.warnings ?? []), event.message ?? ""].slice(-20) };
    case "node_shown":
      return { ...run, ui: event.ui, outputs: filesIn(event) ?? run.outputs };
    default:
      return before;
  }
}
