/** Two documents as one picture: everything that is in either, and what became of it. */

import { diffDocuments, renamedNodes, withNames, type Change } from "./diff";
import { edgeId, type Edge, type NodeId, type NodeLayout, type NodeRecord, type WorkflowDocument } from "./document";

export type Fate = "same" | "added" | "removed" | "changed";

export interface MergedEdge {
  readonly edge: Edge;
  readonly fate: Exclude<Fate, "changed">;
}

export interface Merged {
  /** Nodes of both, where they stand now; what is gone stands where it stood. */
  readonly document: WorkflowDocument;
  readonly nodes: ReadonlyMap<NodeId, Fate>;
  readonly edges: readonly MergedEdge[];
  readonly changes: readonly Change[];
}

const from = (edge: Edge): string => `${edge.from.node}|${edge.from.socket}`;

/** Lay `after` over `earlier`. A node that only got another name is one node. */
export function mergeDocuments(earlier: WorkflowDocument, after: WorkflowDocument): Merged {
  const changes = diffDocuments(earlier, after);
  const before = withNames(earlier, renamedNodes(earlier, after));
  const fates = new Map<NodeId, Fate>();
  for (const id of Object.keys(after.nodes)) fates.set(id, id in before.nodes ? "same" : "added");
  for (const id of Object.keys(before.nodes)) if (!fates.has(id)) fates.set(id, "removed");
  for (const change of changes) if (change.node !== "" && change.kind !== "added" && change.kind !== "removed") fates.set(change.node, "changed");
  const nodes: Record<NodeId, NodeRecord> = { ...before.nodes, ...after.nodes };
  const places: Record<NodeId, NodeLayout> = { ...before.layout.nodes, ...after.layout.nodes };
  const old = new Map(before.edges.map((edge) => [edgeId(edge), from(edge)]));
  const now = new Map(after.edges.map((edge) => [edgeId(edge), from(edge)]));
  const edges: MergedEdge[] = [
    ...before.edges.filter((edge) => now.get(edgeId(edge)) !== from(edge)).map((edge) => ({ edge, fate: "removed" as const })),
    ...after.edges.map((edge) => ({ edge, fate: old.get(edgeId(edge)) === from(edge) ? ("same" as const) : ("added" as const) })),
  ];
  const layout = { ...after.layout, nodes: places };
  return { document: { ...after, nodes, edges: edges.map(({ edge }) => edge), layout }, nodes: fates, edges, changes };
}

/** How many nodes and wires met each fate. */
export function tally(merged: Merged): Readonly<Record<Exclude<Fate, "same">, number>> {
  const count = (fate: Fate): number => [...merged.nodes.values()].filter((found) => found === fate).length;
  const wires = (fate: Fate): number => merged.edges.filter((found) => found.fate === fate).length;
  return { added: count("added") + wires("added"), removed: count("removed") + wires("removed"), changed: count("changed") };
}
