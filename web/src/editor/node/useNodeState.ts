import { useShallow } from "zustand/react/shallow";
import type { Problem } from "../../api/protocol";
import { containerOf } from "../../graph/bodies";
import type { Placed } from "../../graph/place";
import { useRun, type NodeRun, type NodeState } from "../../store/run";
import { planInside, runInside, type ShownStep } from "../../store/summary";

type Named = Pick<Placed, "path" | "record">;

/** How a node is doing in the run that is shown; one with a body as all nodes in it. */
export function useNodeRun({ path, record }: Named): NodeRun | undefined {
  const container = containerOf(record.type) !== undefined;
  return useRun(useShallow((state) => (container ? runInside(state.nodes, path) : state.nodes[path])));
}

/** What a run would do with a node. */
export function useNodePlan({ path, record }: Named): ShownStep | undefined {
  const container = containerOf(record.type) !== undefined;
  return useRun(useShallow((state) => (container ? planInside(state.plan, path) : state.plan[path])));
}

/** Whether a problem is the node's, or of a node inside of it. */
export function isAbout(problem: Problem, { path, record }: Named): boolean {
  return problem.node === path || (containerOf(record.type) !== undefined && (problem.node ?? "").startsWith(`${path}/`));
}

/** The state by which a node is coloured. */
export function useNodeState(placed: Named): NodeState | undefined {
  const { path, record } = placed;
  const container = containerOf(record.type) !== undefined;
  return useRun((state) => {
    if (state.problems.some((problem) => isAbout(problem, placed))) return "failed";
    return (container ? runInside(state.nodes, path) : state.nodes[path])?.state;
  });
}
