/** Go on from a step of a past run. */

import { Refused, forkJob, getJob } from "../../api/client";
import type { JsonObject, JsonValue, NodeId } from "../../graph/document";
import { addedBelow } from "../../graph/fork";
import { normalise } from "../../graph/normalise";
import { openDocument, useEditor } from "../../store/editor";
import { showJob, useRun } from "../../store/run";
import { toast } from "../../store/ui";
import { clientName } from "./client";
import { isBusy } from "./run";
import { tr } from "./tr";

/** Send the fork and open its graph, which says where it came from; undo brings back what was open. */
export async function fork(
  job: string,
  node: NodeId,
  step: number,
  values: Readonly<Record<string, Readonly<Record<string, JsonValue>>>>,
): Promise<boolean> {
  try {
    const { id } = await forkJob(job, { node, step, values: values as Record<string, JsonObject>, client: clientName() });
    const [made, origin] = await Promise.all([getJob(id), getJob(job)]);
    const document = addedBelow(normalise(made.workflow).document, normalise(origin.workflow).document, useEditor.getState().catalogue);
    openDocument(document, "step.fork");
    const nodes = Object.keys(document.nodes);
    useRun.setState((state) => ({ sent: [...state.sent, { job: id, document, nodes }] }));
    if (!isBusy()) showJob(id, nodes);
    toast("info", tr("fork.sent", { step }));
    return true;
  } catch (error) {
    const reason = error instanceof Refused ? (error.problems[0]?.message ?? error.message) : error instanceof Error ? error.message : String(error);
    toast("error", tr("run.failed", { reason }));
    return false;
  }
}
