/** How a node with a body is doing, from what is known of the nodes in it. Pure. */

import type { PlanStep } from "../api/protocol";
import type { NodeRun } from "./run";

type Runs = Readonly<Record<string, NodeRun>>;

/** The inner node's name below the path of the outer one. */
const below = (path: string, inner: string): string => inner.slice(path.length + 1);

/** The nodes of a loop are called by their turn: `3/add` is `add` in the fourth. */
export function turnOf(name: string): { readonly turn: number | undefined; readonly rest: string } {
  const found = /^@?(\d+)\/(.+)$/.exec(name);
  return found ? { turn: Number(found[1]) + 1, rest: found[2] ?? "" } : { turn: undefined, rest: name };
}

/** One run for all nodes inside: failed where one failed, running where one runs, with that one's progress and picture. */
export function runInside(nodes: Runs, path: string): NodeRun | undefined {
  const own = nodes[path];
  const inner = Object.entries(nodes).filter(([id]) => id.startsWith(`${path}/`));
  if (inner.length === 0) return own;
  const find = (state: NodeRun["state"]): [string, NodeRun] | undefined => inner.find(([, run]) => run.state === state);
  const preview = inner.findLast(([, run]) => run.preview !== undefined)?.[1].preview ?? own?.preview;
  const outputs = inner.findLast(([, run]) => run.outputs !== undefined)?.[1].outputs ?? own?.outputs;
  const seen = { preview, outputs };
  const failed = find("failed");
  if (failed) return { ...seen, state: "failed", error: `${below(path, failed[0])}: ${failed[1].error ?? ""}`, details: failed[1].details };
  const running = find("running");
  const seconds = inner.some(([, run]) => run.seconds !== undefined) ? inner.reduce((sum, [, run]) => sum + (run.seconds ?? 0), 0) : undefined;
  if (running) {
    const [id, run] = running;
    const { turn, rest } = turnOf(below(path, id));
    return { ...seen, state: "running", step: run.step, total: run.total, message: rest, seconds: run.seconds, ...(turn === undefined ? {} : { turn }) };
  }
  const every = (state: NodeRun["state"]): boolean => inner.every(([, run]) => run.state === state);
  if (every("waiting")) return { ...seen, state: "waiting" };
  if (find("waiting") && (find("done") || find("cached"))) return { ...seen, state: "running", seconds };
  if (every("cached")) return { ...seen, state: "cached" };
  if (every("skipped")) return { ...seen, state: "skipped" };
  return { ...seen, state: "done", seconds };
}

/** A step as a node shows it; for one that stands for a body, `inside` names the node that the reasons are about. */
export interface ShownStep extends PlanStep {
  readonly inside?: string;
}

/** What a run would do inside, as one step. */
export function planInside(plan: Readonly<Record<string, PlanStep>>, path: string): ShownStep | undefined {
  const inner = Object.entries(plan).filter(([id]) => id.startsWith(`${path}/`));
  const [first] = inner;
  if (!first) return plan[path];
  const toRun = inner.filter(([, step]) => step.status === "run");
  const [next] = toRun;
  const seconds = toRun.some(([, step]) => step.seconds !== null) ? toRun.reduce((sum, [, step]) => sum + (step.seconds ?? 0), 0) : null;
  if (!next) return { ...first[1], node: path, status: inner.some(([, step]) => step.status === "cached") ? "cached" : first[1].status };
  const [id, step] = next;
  return { ...step, node: path, inside: below(path, id), seconds };
}
