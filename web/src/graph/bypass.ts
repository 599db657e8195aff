/** What a bypassed node passes through: for each output, the first wired input whose type fits. As in the engine. */

import { fit, isAny } from "./compatibility";
import type { NodeId, SocketRef, WorkflowDocument } from "./document";
import { edgesInto, outputType, wiringOf, type Catalogue } from "./sockets";

/** Where an output of a bypassed (or dissolved) node would come from. */
export function passedThrough(
  document: WorkflowDocument,
  catalogue: Catalogue,
  id: NodeId,
  output: string,
): SocketRef | undefined {
  const record = document.nodes[id];
  const info = record ? catalogue.get(record.type) : undefined;
  const into = edgesInto(wiringOf(document.edges), id);
  if (info === undefined) return into[0]?.from;
  const wanted = outputType(document, catalogue, { node: id, socket: output });
  const byName = new Map(into.map((edge) => [edge.to.socket, edge.from]));
  for (const input of info.inputs) {
    const source = byName.get(input.name);
    if (source && !isAny(input.type) && fit(input.type, wanted) === "direct") return source;
  }
  const declared = info.outputs.find((candidate) => candidate.name === output)?.type ?? wanted;
  return isAny(declared) ? into[0]?.from : undefined;
}
