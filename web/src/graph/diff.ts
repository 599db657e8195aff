/** What differs between two documents, by node: for versions, for two runs, before taking something over. */

import { edgeId, type JsonValue, type NodeId, type WorkflowDocument } from "./document";

export interface Change {
  readonly kind: "added" | "removed" | "changed" | "rewired";
  readonly node: NodeId;
  readonly type: string;
  readonly socket?: string;
  readonly before?: string;
  readonly after?: string;
}

const shown = (value: JsonValue | undefined): string => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

/** Changes that matter for the result: nodes, values, modes and wires; not places. */
export function diffDocuments(before: WorkflowDocument, after: WorkflowDocument): readonly Change[] {
  const changes: Change[] = [];
  for (const [node, record] of Object.entries(before.nodes)) {
    if (!(node in after.nodes)) changes.push({ kind: "removed", node, type: record.type });
  }
  for (const [node, record] of Object.entries(after.nodes)) {
    const old = before.nodes[node];
    if (old === undefined) {
      changes.push({ kind: "added", node, type: record.type });
      continue;
    }
    if (old === record) continue;
    const type = record.type;
    if (old.type !== type) changes.push({ kind: "changed", node, type, socket: "type", before: old.type, after: type });
    if (old.mode !== record.mode) changes.push({ kind: "changed", node, type, socket: "mode", before: old.mode ?? "–", after: record.mode ?? "–" });
    for (const socket of new Set([...Object.keys(old.values), ...Object.keys(record.values)])) {
      const [left, right] = [old.values[socket], record.values[socket]];
      if (JSON.stringify(left) === JSON.stringify(right)) continue;
      changes.push({ kind: "changed", node, type, socket, before: shown(left), after: shown(right) });
    }
  }
  return [...changes, ...wireChanges(before, after)];
}

function wireChanges(before: WorkflowDocument, after: WorkflowDocument): Change[] {
  const start = (document: WorkflowDocument): Map<string, string> =>
    new Map(document.edges.map((edge) => [edgeId(edge), `${edge.from.node}.${edge.from.socket}`]));
  const [left, right] = [start(before), start(after)];
  const ends = new Map([...before.edges, ...after.edges].map((edge) => [edgeId(edge), edge.to]));
  return [...ends].flatMap(([id, to]): Change[] => {
    const [old, now] = [left.get(id), right.get(id)];
    const record = after.nodes[to.node];
    if (old === now || record === undefined || !(to.node in before.nodes)) return [];
    return [{ kind: "rewired", node: to.node, type: record.type, socket: to.socket, before: old ?? "–", after: now ?? "–" }];
  });
}
