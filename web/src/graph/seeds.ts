/** Seeds that change from run to run: fixed, random, or counted up. The mode is a look of the node, not a value. */

import type { JsonValue, NodeId, WorkflowDocument } from "./document";
import { INPUTS, allViews, within } from "./bodies";
import { setValue } from "./commands";
import type { Catalogue } from "./sockets";
import { edgesInto, valueOf, wiringOf } from "./sockets";

export type SeedMode = "fixed" | "random" | "increment";

type Modes = Record<string, JsonValue>;

/** How each seed of a node changes from run to run. */
export function modesOf(document: WorkflowDocument, id: NodeId): Modes {
  const seeds = document.layout.nodes[id]?.extra?.seeds;
  return typeof seeds === "object" && seeds !== null && !Array.isArray(seeds) ? seeds : {};
}

/** Choose how a seed changes from run to run. */
export function setSeedMode(id: NodeId, socket: string, mode: SeedMode): (document: WorkflowDocument) => WorkflowDocument {
  return (document) => {
    const place = document.layout.nodes[id] ?? { x: 0, y: 0 };
    const seeds = { ...modesOf(document, id), [socket]: mode };
    const extra = { ...place.extra, seeds };
    return { ...document, layout: { ...document.layout, nodes: { ...document.layout.nodes, [id]: { ...place, extra } } } };
  };
}

/**
 * The document as it goes to the next run: every changing seed has its new value, which stays. `ids` are the nodes that
 * are to run; a sub-graph stands for all that is in it.
 */
export function nextSeeds(
  document: WorkflowDocument,
  catalogue: Catalogue,
  random: (limit: number | undefined) => number,
  ids: ReadonlySet<NodeId> | undefined,
): WorkflowDocument {
  return allViews(document).reduce((result, { scope }) => {
    const [outermost] = scope;
    if (ids && outermost !== undefined && !ids.has(outermost)) return result;
    return within(scope, (view) => nextSeedsIn(view, catalogue, random, outermost === undefined ? ids : undefined))(result);
  }, document);
}

function nextSeedsIn(
  document: WorkflowDocument,
  catalogue: Catalogue,
  random: (limit: number | undefined) => number,
  ids: ReadonlySet<NodeId> | undefined,
): WorkflowDocument {
  const wiring = wiringOf(document.edges);
  let result = document;
  for (const [id, record] of Object.entries(document.nodes)) {
    if (ids && !ids.has(id)) continue;
    // a seed that its sub-graph shows outside changes here all the same, where it has no wire there
    const wired = new Set(edgesInto(wiring, id).filter((edge) => edge.from.node !== INPUTS).map((edge) => edge.to.socket));
    for (const [socket, mode] of Object.entries(modesOf(document, id))) {
      if (wired.has(socket)) continue;
      const info = catalogue.get(record.type)?.inputs.find((input) => input.name === socket);
      const before = valueOf(record, info, socket);
      if (mode === "random") result = setValue(id, socket, random(info?.limits?.le ?? undefined))(result);
      if (mode === "increment" && typeof before === "number") result = setValue(id, socket, before + 1)(result);
    }
  }
  return result;
}
