/** The nodes show one run after the other: when what is shown has ended, the next that was sent from here. */

import { isEnded } from "./events";
import { showJob, useRun, type RunState, type SentJob } from "./run";

/** The job that the nodes should show next; undefined while the one that is shown is under way. */
export function nextToShow({ shown, sent, jobs }: RunState, seen: ReadonlySet<string>): SentJob | undefined {
  const state = shown === undefined ? undefined : jobs[shown]?.state;
  if (state === "running" || state === "paused") return undefined;
  return sent.find(({ job }) => {
    const found = jobs[job];
    if (found === undefined || job === shown || seen.has(job)) return false;
    return found.state === "running" || (isEnded(found.state) && found.started !== null);
  });
}

/** Follow the queue. Returns how to stop. */
export function followQueue(): () => void {
  const seen = new Set<string>();
  return useRun.subscribe((state, before) => {
    const { shown } = state;
    if (shown !== undefined && isEnded(state.jobs[shown]?.state ?? "queued")) seen.add(shown);
    if (state.jobs === before.jobs && state.shown === before.shown && state.sent === before.sent) return;
    const next = nextToShow(state, seen);
    if (next) showJob(next.job, next.nodes);
  });
}
