/** How far a node is, as a share of all of it. Pure. */

import type { Placed } from "../../graph/place";
import type { NodeRun } from "../../store/run";

/** How many turns a loop makes, where its own value says so. */
export function turnsOf({ record, info, wired }: Pick<Placed, "record" | "info" | "wired">): number | undefined {
  if (record.type !== "ForLoop" || wired.has("count")) return undefined;
  const count = record.values.count ?? info?.inputs.find((input) => input.name === "count")?.default;
  return typeof count === "number" ? count : undefined;
}

/** The share that is done, from 0 to 1; undefined where nobody knows. A loop counts its turns, and the step within one. */
export function shareOf(run: NodeRun, turns: number | undefined): number | undefined {
  const step = run.total ? Math.min(1, (run.step ?? 0) / run.total) : undefined;
  if (run.turn === undefined || !turns) return step;
  return Math.min(1, (run.turn - 1 + (step ?? 0)) / turns);
}
