/** Run, cancel, and what comes back at once when the server refuses. */

import type { Job, OutputFile, StreamEvent } from "../../api/protocol";
import { Refused, answerNode, deleteJob, getJob, getJobEvents, jobAction, postJob, reorderJobs } from "../../api/client";
import { upstreamOf } from "../../graph/clipboard";
import { allViews, findPath, isBoundary, pathOf, recordAt } from "../../graph/bodies";
import type { NodeId, WorkflowDocument } from "../../graph/document";
import { normalise } from "../../graph/normalise";
import { whatRuns } from "../../graph/resting";
import { nextSeeds } from "../../graph/seeds";
import { toJson } from "../../graph/serialise";
import { mistakesOf } from "../../graph/validate";
import { applyWhole, openDocument, showNode, useEditor } from "../../store/editor";
import { isEnded, unknownJob } from "../../store/events";
import { retellJob, showJob, useRun } from "../../store/run";
import { announce, setUi, toast } from "../../store/ui";
import { titleText } from "../shared/titles";
import { beginOther } from "./autosave";
import { clientName } from "./client";
import { rollSeed } from "./seeds";
import { tr } from "./tr";

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The node of the whole document in which a node stands. */
function outermost(document: WorkflowDocument, path: string): NodeId {
  const found = findPath(document, path);
  return found?.scope[0] ?? found?.id ?? path;
}

/** Every node that can run, by its path. */
function allPaths(document: WorkflowDocument): string[] {
  return allViews(document).flatMap(({ scope, view }) =>
    Object.keys(view.nodes).filter((id) => !isBoundary(id)).map((id) => pathOf(scope, id)),
  );
}

/**
 * Send the workflow. `chosen` runs only what these nodes need; without them everything runs but what rests: what needs a node
 * whose plugin is missing here, and unfinished nodes that nothing needs.
 */
export async function run(chosen?: readonly NodeId[]): Promise<string | undefined> {
  const { catalogue, document: before } = useEditor.getState();
  const possible = chosen ? undefined : whatRuns(before, catalogue, mistakesOf(before, catalogue));
  const targets = chosen ?? possible?.targets;
  const involved = targets ? upstreamOf(before, targets.map((path) => outermost(before, path))) : undefined;
  applyWhole((document) => nextSeeds(document, catalogue, rollSeed, involved), "step.seed");
  const { document } = useEditor.getState();
  if (Object.keys(document.nodes).length === 0) {
    toast("info", tr("run.empty"));
    return undefined;
  }
  try {
    const workflow = toJson(document);
    const { id } = await postJob({ workflow, client: clientName(), ...(targets ? { targets: [...targets] } : {}) });
    const nodes = allPaths(document).filter((path) => !involved || involved.has(outermost(document, path)));
    if (!isBusy()) showJob(id, nodes);
    useRun.setState((state) => {
      const title = typeof document.meta.title === "string" ? document.meta.title : "";
      const job = state.jobs[id] ?? unknownJob(id, title);
      return { jobs: { ...state.jobs, [id]: job }, sent: [...state.sent, { job: id, document, nodes }], problems: [] };
    });
    announce(tr("said.queued"));
    if (possible && possible.resting.size > 0) {
      const names = [...possible.resting].map((path) => titleText(recordAt(document, path), catalogue));
      toast("info", tr("run.rests", { names: names.join(", ") }));
    }
    return id;
  } catch (error) {
    if (error instanceof Refused) {
      useRun.setState({ problems: error.problems });
      const [first] = error.problems;
      if (first?.node) showNode(first.node);
      toast("error", tr("run.refused", { count: error.problems.length, first: first?.message ?? "" }));
    } else toast("error", tr("run.failed", { reason: reasonOf(error) }));
    return undefined;
  }
}

/** Tell the whole story of a job again: for the nodes after a reload or a long break. */
export async function retell(id: string): Promise<void> {
  const events: StreamEvent[] = [];
  try {
    for (let after = 0, more = true; more && events.length < 20_000; ) {
      const page = await getJobEvents(id, after);
      events.push(...(page.events as unknown as StreamEvent[]));
      more = page.more;
      after = page.n;
    }
    retellJob(id, events);
  } catch {
    // the job is gone or the server is away: what is shown stays
  }
}

/** Whether the job that is shown has not ended. */
export function isBusy(): boolean {
  const { shown, jobs } = useRun.getState();
  const state = shown === undefined ? undefined : jobs[shown]?.state;
  return state !== undefined && !isEnded(state);
}

export async function act(id: string, action: "cancel" | "pause" | "resume" | "retry"): Promise<void> {
  try {
    await jobAction(id, action);
  } catch (error) {
    toast("error", tr("run.failed", { reason: reasonOf(error) }));
  }
}

/** Forget a job that has ended; its files stay. */
export async function forget(id: string): Promise<void> {
  try {
    await deleteJob(id);
    useRun.setState((state) => ({ jobs: Object.fromEntries(Object.entries(state.jobs).filter(([other]) => other !== id)) }));
  } catch (error) {
    toast("error", tr("run.failed", { reason: reasonOf(error) }));
  }
}

/** Give the waiting jobs another order. */
export async function reorder(ids: readonly string[]): Promise<void> {
  try {
    await reorderJobs(ids);
  } catch (error) {
    toast("error", tr("run.failed", { reason: reasonOf(error) }));
  }
}

/** Answer what a node of the shown job asks. */
export async function answer(node: NodeId, choice: string): Promise<void> {
  const { shown } = useRun.getState();
  if (shown === undefined) return;
  try {
    await answerNode(shown, node, choice);
  } catch (error) {
    toast("error", tr("run.failed", { reason: reasonOf(error) }));
  }
}

export function cancelShown(): void {
  const { shown } = useRun.getState();
  if (shown !== undefined) void act(shown, "cancel");
}

/** Open the graph of a past job, with its results on the nodes. */
export async function openJob(id: string): Promise<void> {
  try {
    const job = await getJob(id);
    const { document } = normalise(job.workflow);
    beginOther();
    openDocument(document, "step.openJob");
    await showResults(job, document);
    setUi({ panel: undefined });
  } catch (error) {
    toast("error", tr("run.failed", { reason: reasonOf(error) }));
  }
}

/** Show what a job made, or how far it is, on the nodes of the document that it ran. */
export async function showResults(job: Job, document: WorkflowDocument): Promise<void> {
  const { id } = job;
  const nodes = allPaths(document);
  useRun.setState({ nodes: {}, sent: [{ job: id, document, nodes }] });
  showJob(id, isEnded(job.state) ? [] : nodes);
  await retell(id);
  const byNode: Record<string, OutputFile[]> = {};
  for (const output of job.outputs) byNode[output.node] = [...(byNode[output.node] ?? []), output];
  useRun.setState((state) => {
    const made = Object.entries(byNode).map(([node, outputs]) => [node, { ...(state.nodes[node] ?? { state: "done" as const }), outputs }]);
    return { nodes: { ...state.nodes, ...Object.fromEntries(made) } };
  });
}
