/** The document as it is saved, shared and sent to the server. One format for all three. */

import type { Edge, JsonObject, JsonValue, Layout, WorkflowDocument } from "./document";
import { FORMAT, VERSION } from "./normalise";
import { writeNormal } from "./normalForm";

function edgeJson(edge: Edge): JsonObject {
  return { from: [edge.from.node, edge.from.socket], to: [edge.to.node, edge.to.socket], ...edge.extra };
}

function layoutJson(layout: Layout): JsonObject {
  const nodes = Object.fromEntries(
    Object.entries(layout.nodes).map(([id, { extra, ...place }]) => [id, { ...place, ...extra } as JsonObject]),
  );
  const blocks = layout.blocks.map((block) => ({
    ...block,
    exposed: (block.exposed ?? []).map((end) => [end.node, end.socket]),
  }));
  return {
    nodes,
    ...(layout.groups.length > 0 ? { groups: layout.groups as unknown as JsonValue } : {}),
    ...(layout.notes.length > 0 ? { notes: layout.notes as unknown as JsonValue } : {}),
    ...(blocks.length > 0 ? { blocks: blocks as unknown as JsonValue } : {}),
    ...(layout.viewport ? { viewport: layout.viewport as unknown as JsonValue } : {}),
    ...layout.extra,
  };
}

/** The document as JSON data. `normalise(toJson(document))` gives an equal document. */
export function toJson(document: WorkflowDocument): JsonObject {
  const nodes = Object.fromEntries(
    Object.entries(document.nodes).map(([id, { extra, ...record }]) => [id, { ...record, ...extra } as JsonObject]),
  );
  return JSON.parse(
    JSON.stringify({
      format: FORMAT,
      version: VERSION,
      meta: document.meta,
      nodes,
      edges: document.edges.map(edgeJson),
      ...(Object.keys(document.inputs).length > 0 ? { inputs: document.inputs } : {}),
      ...(Object.keys(document.requires).length > 0 ? { requires: document.requires } : {}),
      layout: layoutJson(document.layout),
      ...document.extra,
    }),
  ) as JsonObject;
}

/** The document as text for a file, in its normal form. */
export function toText(document: WorkflowDocument): string {
  return writeNormal(toJson(document));
}

/** The part that decides what is computed: two documents with equal fingerprints give equal results. */
export function computedPart(document: WorkflowDocument): string {
  const { nodes, edges } = toJson(document);
  return JSON.stringify([nodes ?? null, edges ?? null]);
}
