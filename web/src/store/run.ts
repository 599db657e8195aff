/** What is known of jobs, and of each node in the run that is shown. Filled by the stream. */

import { create } from "zustand";
import type { Connection } from "../api/stream";
import type { JobSummary, JsonObject, OutputFile, PlanStep, PreviewHeader, Problem, StreamEvent } from "../api/protocol";
import type { NodeId, WorkflowDocument } from "../graph/document";
import { reduceEvent } from "./events";
import { filmFrame } from "./film";

export type NodeState = "waiting" | "running" | "done" | "cached" | "failed" | "skipped";

export interface NodeRun {
  readonly state: NodeState;
  readonly step?: number;
  readonly total?: number;
  readonly message?: string;
  /** The turn of a loop that runs, counted from 1. */
  readonly turn?: number;
  readonly seconds?: number;
  readonly memory?: number;
  readonly preview?: { readonly url: string; readonly mediaType: string };
  readonly outputs?: readonly OutputFile[];
  readonly ui?: JsonObject;
  readonly socket?: string;
  readonly error?: string;
  readonly details?: string;
  /** What the node asks a person, and the answers that it takes. */
  readonly question?: { readonly text: string; readonly choices: readonly string[] };
  /** What the node warned of while it ran. */
  readonly warnings?: readonly string[];
}

/** A job that was sent for the open document, or whose graph was opened. */
export interface SentJob {
  readonly job: string;
  /** The document as it was then. */
  readonly document: WorkflowDocument;
  /** The nodes that take part, by path. */
  readonly nodes: readonly string[];
}

export interface RunState {
  readonly connection: Connection;
  readonly jobs: Readonly<Record<string, JobSummary>>;
  /** Ids of jobs in the order in which they run; what has ended is skipped by readers. */
  readonly order: readonly string[];
  /** The job whose progress is shown on the nodes. */
  readonly shown: string | undefined;
  /** In the order in which they were sent. */
  readonly sent: readonly SentJob[];
  readonly nodes: Readonly<Record<NodeId, NodeRun>>;
  /** Why the server refused the last run. */
  readonly problems: readonly Problem[];
  /** What the server would refuse now; shown at the fields, not as a failure. */
  readonly foreseen: readonly Problem[];
  readonly plan: Readonly<Record<NodeId, PlanStep>>;
  /** Nodes, by path, that a run leaves out: of unknown types, or unfinished and needed by nothing. */
  readonly resting: ReadonlySet<string>;
  readonly facts: Readonly<Record<NodeId, Readonly<Record<string, JsonObject>>>>;
}

export const EMPTY_RUN: RunState = {
  connection: "connecting",
  jobs: {},
  order: [],
  shown: undefined,
  sent: [],
  nodes: {},
  problems: [],
  foreseen: [],
  plan: {},
  resting: new Set(),
  facts: {},
};

export const useRun = create<RunState>(() => EMPTY_RUN);

/** Events are gathered and taken in once per frame, so that a burst costs one drawing. */
let waiting: StreamEvent[] = [];
let scheduled = false;

/** The latest events: a job's first ones may come before the answer that says its number. */
let recent: StreamEvent[] = [];
const RECENT = 2000;

export function receiveEvent(event: StreamEvent): void {
  waiting.push(event);
  recent.push(event);
  if (recent.length > RECENT * 2) recent = recent.slice(-RECENT);
  if (scheduled) return;
  scheduled = true;
  const take = (): void => {
    scheduled = false;
    const batch = waiting;
    waiting = [];
    useRun.setState((state) => batch.reduce(reduceEvent, state));
  };
  if (document.hidden) setTimeout(take, 50);
  else requestAnimationFrame(take);
}

/** Remember the picture of a step. The step is told by the event beside it, which may still wait to be taken in. */
function keepInFilm(header: PreviewHeader, image: Blob, state: RunState): void {
  const told = waiting.findLast((event) => event.type === "node_progress" && event.job === header.job && event.node === header.node);
  const known = header.job === state.shown ? state.nodes[header.node] : undefined;
  filmFrame(header.job, header.node, told?.step ?? known?.step ?? 0, told?.total ?? known?.total, image);
}

/** Show a preview on its node; the picture before it is let go. */
export function receivePreview(header: PreviewHeader, image: Blob): void {
  const state = useRun.getState();
  keepInFilm(header, image, state);
  if (header.job !== state.shown) return;
  const run = state.nodes[header.node] ?? { state: "running" as const };
  if (run.preview) URL.revokeObjectURL(run.preview.url);
  const preview = { url: URL.createObjectURL(image), mediaType: header.media_type };
  useRun.setState({ nodes: { ...state.nodes, [header.node]: { ...run, preview } } });
}

/** Show a job on the nodes: earlier results stay until a node is reached again. */
export function showJob(id: string, targets: readonly NodeId[]): void {
  const state = useRun.getState();
  const nodes = { ...state.nodes };
  for (const node of targets) {
    const { outputs, ui, preview } = nodes[node] ?? {};
    nodes[node] = { state: "waiting", outputs, ui, preview };
  }
  useRun.setState((before) => replay({ ...before, shown: id, nodes, problems: [] }, recent.filter((event) => event.job === id)));
}

function replay(state: RunState, events: readonly StreamEvent[]): RunState {
  return events.filter((event) => !waiting.includes(event)).reduce(reduceEvent, state);
}

/** Take in the whole story of the shown job: after a reload, or when too much was missed. */
export function retellJob(id: string, events: readonly StreamEvent[]): void {
  useRun.setState((state) => events.reduce(reduceEvent, { ...state, shown: id }));
}

/** Forget results of nodes: another document was opened. */
export function clearNodes(): void {
  const { nodes } = useRun.getState();
  for (const run of Object.values(nodes)) if (run.preview) URL.revokeObjectURL(run.preview.url);
  useRun.setState({ nodes: {}, sent: [], problems: [], foreseen: [], plan: {}, resting: new Set(), facts: {}, shown: undefined });
}

/** Take in what the server lists, the queue first and in its order. */
export function receiveJobs(jobs: readonly JobSummary[]): void {
  useRun.setState((state) => {
    const listed = new Set(jobs.map((job) => job.id));
    return {
      jobs: { ...state.jobs, ...Object.fromEntries(jobs.map((job) => [job.id, job])) },
      order: [...jobs.map((job) => job.id), ...state.order.filter((id) => !listed.has(id))],
    };
  });
}
