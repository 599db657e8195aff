/** Copy and paste: a fragment is a small workflow document, so it is also a file and text that can be mailed. */

import { wiringOf } from "./sockets";
import { isBoundary } from "./bodies";
import { freshElementId, freshId, type Edge, type NodeId, type Note, type WorkflowDocument } from "./document";

/** The selected nodes with the wires between them; `outer` also keeps wires that come from outside. */
export function copyFragment(
  document: WorkflowDocument,
  ids: ReadonlySet<NodeId>,
  notes: ReadonlySet<string> = new Set(),
): WorkflowDocument {
  const inner = onlyNodes(document, new Set([...ids].filter((id) => !isBoundary(id))));
  const outer = document.edges.filter((edge) => ids.has(edge.to.node) && !ids.has(edge.from.node));
  return {
    ...inner,
    inputs: {},
    meta: {},
    extra: outer.length > 0 ? { outer: outer.map((edge) => [edge.from.node, edge.from.socket, edge.to.node, edge.to.socket]) } : undefined,
    layout: {
      ...inner.layout,
      viewport: undefined,
      groups: [],
      notes: document.layout.notes.filter((note) => notes.has(note.id)),
    },
  };
}

/** The part of a document that consists of these nodes. */
function onlyNodes(document: WorkflowDocument, ids: ReadonlySet<NodeId>): WorkflowDocument {
  const keep = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([id]) => ids.has(id)));
  return {
    ...document,
    nodes: keep(document.nodes),
    edges: document.edges.filter((edge) => ids.has(edge.from.node) && ids.has(edge.to.node)),
    layout: { ...document.layout, nodes: keep(document.layout.nodes) },
  };
}

export interface PasteResult {
  readonly document: WorkflowDocument;
  readonly ids: readonly NodeId[];
}

/** The wires of a fragment that came from outside of it, where their start still exists. */
function outerEdges(fragment: WorkflowDocument, into: WorkflowDocument): Edge[] {
  const raw = fragment.extra?.outer;
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((entry): Edge[] => {
    if (!Array.isArray(entry)) return [];
    const [fromNode, fromSocket, toNode, toSocket] = entry;
    if (typeof fromNode !== "string" || typeof fromSocket !== "string") return [];
    if (typeof toNode !== "string" || typeof toSocket !== "string") return [];
    if (!(fromNode in into.nodes)) return [];
    return [{ from: { node: fromNode, socket: fromSocket }, to: { node: toNode, socket: toSocket } }];
  });
}

/** Put a fragment into a document with new ids, its top left corner at `at`. */
export function pasteFragment(
  document: WorkflowDocument,
  fragment: WorkflowDocument,
  at: { readonly x: number; readonly y: number },
  keepOuter = false,
): PasteResult {
  const places = [...Object.values(fragment.layout.nodes), ...fragment.layout.notes];
  const left = Math.min(...places.map((place) => place.x), Number.POSITIVE_INFINITY);
  const top = Math.min(...places.map((place) => place.y), Number.POSITIVE_INFINITY);
  const shift = Number.isFinite(left) && Number.isFinite(top) ? { x: at.x - left, y: at.y - top } : { x: at.x, y: at.y };

  const names = new Map<NodeId, NodeId>();
  const nodes = { ...document.nodes };
  const layout = { ...document.layout.nodes };
  for (const [id, record] of Object.entries(fragment.nodes)) {
    const fresh = freshId(nodes, record.type);
    names.set(id, fresh);
    nodes[fresh] = record;
    const place = fragment.layout.nodes[id] ?? { x: 0, y: 0 };
    layout[fresh] = { ...place, x: place.x + shift.x, y: place.y + shift.y };
  }
  const inner = fragment.edges.map((edge) => ({
    ...edge,
    from: { ...edge.from, node: names.get(edge.from.node) ?? edge.from.node },
    to: { ...edge.to, node: names.get(edge.to.node) ?? edge.to.node },
  }));
  const outer = keepOuter
    ? outerEdges(fragment, document).map((edge) => ({ ...edge, to: { ...edge.to, node: names.get(edge.to.node) ?? edge.to.node } }))
    : [];
  const notes = fragment.layout.notes.reduce<Note[]>(
    (all, note) => [...all, { ...note, id: freshElementId(all, "note"), x: note.x + shift.x, y: note.y + shift.y }],
    [...document.layout.notes],
  );
  return {
    document: {
      ...document,
      nodes,
      edges: [...document.edges, ...inner, ...outer],
      layout: { ...document.layout, nodes: layout, notes },
    },
    ids: [...names.values()],
  };
}

/** All nodes before and including the given ones: what "run to here" needs. */
export function upstreamOf(document: WorkflowDocument, ids: readonly NodeId[]): ReadonlySet<NodeId> {
  const { into } = wiringOf(document.edges);
  const seen = new Set(ids);
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const edge of into.get(id) ?? []) {
      if (!seen.has(edge.from.node)) {
        seen.add(edge.from.node);
        open.push(edge.from.node);
      }
    }
  }
  return seen;
}
