/** Which nodes of a past run can be forked at a step, and which of their values may be changed on the way. */

import { upstreamOf } from "./clipboard";
import type { JsonValue, NodeId, WorkflowDocument } from "./document";
import { socketsOf, valueOf, wiringOf, type Catalogue, type InputSocket } from "./sockets";

const USUAL_STEPS = 50;

/** Node types of which another type computes the first steps: it has an input `stop` and gives what `start` takes. */
export function isForkable(type: string, catalogue: Catalogue): boolean {
  const start = catalogue.get(type)?.inputs.find((input) => input.name === "start");
  if (!start || start.type.classes.length === 0) return false;
  return [...catalogue.values()].some(
    (other) =>
      other.inputs.some((input) => input.name === "stop") &&
      other.outputs.some((output) => output.type.classes.join() === start.type.classes.join()),
  );
}

/** The samplers of a document that can be forked. */
export function forkableNodes(document: WorkflowDocument, catalogue: Catalogue): readonly NodeId[] {
  return Object.entries(document.nodes)
    .filter(([, record]) => record.mode === undefined && isForkable(record.type, catalogue))
    .map(([id]) => id);
}

/** The last step at which a fork makes sense, and whether it is known or only a usual one. */
export function lastForkStep(document: WorkflowDocument, node: NodeId, seen: number | undefined): { readonly last: number; readonly known: boolean } {
  const steps = document.nodes[node]?.values.steps;
  const total = seen ?? (typeof steps === "number" ? steps : undefined);
  return total === undefined ? { last: USUAL_STEPS - 1, known: false } : { last: Math.max(1, total - 1), known: true };
}

export interface ForkField {
  readonly node: NodeId;
  readonly socket: InputSocket;
  readonly value: JsonValue;
}

/** Values that the rest of the run may take from a person: of the sampler, then of what it reads, nearest first. */
export function forkFields(document: WorkflowDocument, node: NodeId, catalogue: Catalogue): readonly ForkField[] {
  const wiring = wiringOf(document.edges);
  const above = [...upstreamOf(document, [node])];
  return above.flatMap((id) => {
    const record = document.nodes[id];
    if (record === undefined) return [];
    const wired = new Set((wiring.into.get(id) ?? []).map((edge) => edge.to.socket));
    return socketsOf(record, wiring, id, catalogue)
      .inputs.filter((socket) => socket.widget !== null && !socket.spare && !wired.has(socket.name))
      .map((socket) => ({ node: id, socket, value: valueOf(record, socket.info, socket.name) }));
  });
}
