import { useRun, type NodeState } from "../../store/run";

/** How a node is doing in the run that is shown. */
export function useNodeState(id: string): NodeState | undefined {
  return useRun((state) => (state.problems.some((problem) => problem.node === id) ? "failed" : state.nodes[id]?.state));
}
