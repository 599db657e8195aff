/** The document as it is saved, shared and sent to the server. One format for all three. */

import type { Edge, JsonObject, JsonValue, Layout, NodeRecord, WorkflowDocument } from "./document";
import { FORMAT, VERSION } from "./normalise";
import { writeNormal } from "./normalForm";

/** A wire as it stands in a document. */
export function edgeJson(edge: Edge): JsonObject {
  return { from: [edge.from.node, edge.from.socket], to: [edge.to.node, edge.to.socket], ...edge.extra };
}

/** A node as it stands in a document. */
export function nodeJson({ extra, ...record }: NodeRecord): JsonObject {
  return { ...record, ...extra } as JsonObject;
}

/** A layout as it stands in a document. */
export function layoutJson(layout: Layout): JsonObject {
  const nodes = Object.fromEntries(
    Object.entries(layout.nodes).map(([id, { extra, ...place }]) => [id, { ...place, ...extra } as JsonObject]),
  );
  return {
    nodes,
    ...(layout.groups.length > 0 ? { groups: layout.groups as unknown as JsonValue } : {}),
    ...(layout.notes.length > 0 ? { notes: layout.notes as unknown as JsonValue } : {}),
    ...(layout.viewport ? { viewport: layout.viewport as unknown as JsonValue } : {}),
    ...layout.extra,
  };
}

/** The document as JSON data. `normalise(toJson(document))` gives an equal document. */
export function toJson(document: WorkflowDocument): JsonObject {
  const nodes = Object.fromEntries(
    Object.entries(document.nodes).map(([id, record]) => [id, nodeJson(record)]),
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

const RENEWED = ["plugins", "models", "files"];

/** The document with what it needs to give the same elsewhere, as the server found it; what else it says is kept. */
export function withRequires(document: WorkflowDocument, found: JsonObject | undefined): WorkflowDocument {
  if (found === undefined) return document;
  const kept = Object.entries(document.requires).filter(([name]) => !RENEWED.includes(name));
  return { ...document, requires: { ...Object.fromEntries(kept), ...found } };
}

/** The document as text for a file, in its normal form. */
export function toText(document: WorkflowDocument): string {
  return writeNormal(toJson(document));
}

const computedNodes = new WeakMap<NodeRecord, string>();
const computedEdges = new WeakMap<readonly Edge[], string>();

/** Leaves out the layout of bodies, and the titles of the nodes in them. */
function withoutLooks(this: unknown, key: string, part: unknown): unknown {
  const holder = this as Record<string, unknown>;
  if (key === "layout" && "nodes" in holder && "outputs" in holder) return undefined;
  return key === "title" && "type" in holder && "values" in holder ? undefined : part;
}

/** What counts of a node: not its title, and of a body not its layout. */
function computedNode(record: NodeRecord): string {
  const known = computedNodes.get(record);
  if (known !== undefined) return known;
  const text = JSON.stringify([record.type, record.mode ?? "", record.values], withoutLooks);
  computedNodes.set(record, text);
  return text;
}

/** The part that decides what is computed: two documents with equal fingerprints give equal results. */
export function computedPart(document: WorkflowDocument): string {
  const edges = computedEdges.get(document.edges) ?? JSON.stringify(document.edges);
  computedEdges.set(document.edges, edges);
  const nodes = Object.entries(document.nodes).map(([id, record]) => `${JSON.stringify(id)}:${computedNode(record)}`);
  return `${nodes.join(",")}|${edges}`;
}
