/** After a reload or a crash the nodes show the same run as before. */

import { getJob } from "../../api/client";
import { normalise } from "../../graph/normalise";
import { useRun } from "../../store/run";
import { useSaving } from "../../store/saving";
import { showResults } from "./run";
import { sharedForm } from "./shareForm";

const KEY = "kinograph.results";

/** The document that the results belong to: a form's, or the one that is open. */
const documentName = (): string => sharedForm() ?? useSaving.getState().name;

/** Remember which run the nodes show: for this tab, and for the next one after a crash. Returns how to stop. */
export function rememberResults(): () => void {
  const keep = (): void => {
    const { shown } = useRun.getState();
    const text = shown === undefined ? undefined : JSON.stringify({ name: documentName(), job: shown });
    for (const store of [sessionStorage, localStorage]) {
      if (text === undefined) store.removeItem(KEY);
      else store.setItem(KEY, text);
    }
  };
  const stops = [
    useRun.subscribe((state, before) => {
      if (state.shown !== before.shown) keep();
    }),
    useSaving.subscribe((state, before) => {
      if (state.name !== before.name && useRun.getState().shown !== undefined) keep();
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Show what was shown last for the document that is open. */
export async function recoverResults(): Promise<void> {
  const kept = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
  if (kept === null) return;
  try {
    const { name, job: id } = JSON.parse(kept) as { readonly name?: unknown; readonly job?: unknown };
    if (name !== documentName() || typeof id !== "string") return;
    const job = await getJob(id);
    if (useRun.getState().shown === undefined) await showResults(job, normalise(job.workflow).document);
  } catch {
    // the run was forgotten: its results are still in the gallery
  }
}
