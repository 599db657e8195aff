/** Which nodes of a past run can be forked at a step, and which of their values may be changed on the way. */

import { upstreamOf } from "./clipboard";
import { moveNodes } from "./commands";
import type { JsonValue, NodeId, WorkflowDocument } from "./document";
import { snap } from "./geometry";
import { makePlacer, rectOf } from "./place";
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

/** Values that the rest of the run may take from a person: texts first, then of the sampler, then of what it reads. */
export function forkFields(document: WorkflowDocument, node: NodeId, catalogue: Catalogue): readonly ForkField[] {
  const wiring = wiringOf(document.edges);
  const above = [...upstreamOf(document, [node])];
  const texts = (field: ForkField): number => (field.socket.widget?.multiline ? 0 : 1);
  const fields = above.flatMap((id) => {
    const record = document.nodes[id];
    if (record === undefined) return [];
    const wired = new Set((wiring.into.get(id) ?? []).map((edge) => edge.to.socket));
    return socketsOf(record, wiring, id, catalogue)
      .inputs.filter((socket) => socket.widget !== null && !socket.spare && !wired.has(socket.name))
      .map((socket) => ({ node: id, socket: asNumber(socket), value: valueOf(record, socket.info, socket.name) }));
  });
  return fields.sort((left, right) => texts(left) - texts(right));
}

const GAP = 64;

/** Put what a fork added below everything else: the copies say where it came from and cover nothing. */
export function addedBelow(document: WorkflowDocument, before: WorkflowDocument, catalogue: Catalogue): WorkflowDocument {
  const placed = [...makePlacer()(document, catalogue, () => ({ media: true, footer: true })).values()];
  const added = placed.filter((node) => !(node.id in before.nodes));
  const bottom = Math.max(...placed.filter((node) => node.id in before.nodes).map((node) => rectOf(node).y + rectOf(node).height));
  const top = Math.min(...added.map((node) => node.layout.y));
  if (!Number.isFinite(bottom) || !Number.isFinite(top)) return document;
  const down = Math.max(0, snap(bottom + GAP - top));
  return moveNodes(Object.fromEntries(added.map((node) => [node.id, { x: node.layout.x, y: node.layout.y + down }])))(document);
}

/** A fork has one seed, chosen by hand: the modes of a seed belong to the open document. */
function asNumber(socket: InputSocket): InputSocket {
  return socket.widget?.kind === "seed" ? { ...socket, widget: { ...socket.widget, kind: "number" } } : socket;
}
