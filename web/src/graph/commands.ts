/**
 * Everything that can happen to a document, as functions from document to document.
 *
 * A command that changes nothing returns the same object, so that no empty step enters the history. Parts that a
 * command does not touch keep their identity, so that nothing else is drawn again.
 */

import { INPUTS, OUTPUTS, SPARE, boundaryNames, isBoundary, within } from "./bodies";
import { homesOf, sharers } from "./homes";
import {
  edgeId,
  freshId,
  type Edge,
  type JsonValue,
  type NodeId,
  type NodeLayout,
  type NodeMode,
  type NodeRecord,
  type SocketRef,
  type WorkflowDocument,
} from "./document";

type Command = (document: WorkflowDocument) => WorkflowDocument;
export type Places = Readonly<Record<NodeId, { readonly x: number; readonly y: number }>>;

function same(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

function withNode(document: WorkflowDocument, id: NodeId, change: (node: NodeRecord) => NodeRecord): WorkflowDocument {
  const node = document.nodes[id];
  if (node === undefined) return document;
  const changed = change(node);
  return changed === node ? document : { ...document, nodes: { ...document.nodes, [id]: changed } };
}

function withPlace(document: WorkflowDocument, id: NodeId, change: Partial<NodeLayout>): WorkflowDocument {
  if (!(id in document.nodes)) return document;
  const place = document.layout.nodes[id] ?? { x: 0, y: 0 };
  const changed = { ...place, ...change };
  if (same(place, changed) && id in document.layout.nodes) return document;
  return { ...document, layout: { ...document.layout, nodes: { ...document.layout.nodes, [id]: changed } } };
}

/** Place a node. Returns the document and the new node's id. */
export function addNode(
  document: WorkflowDocument,
  type: string,
  place: { readonly x: number; readonly y: number },
  values: Readonly<Record<string, JsonValue>> = {},
  title?: string,
): { readonly document: WorkflowDocument; readonly id: NodeId } {
  const id = freshId(document.nodes, type);
  const added = { ...document, nodes: { ...document.nodes, [id]: { type, values, ...(title ? { title } : {}) } } };
  return { document: withPlace(added, id, place), id };
}

/** Take nodes out, with their wires and every mention of them. */
export function removeNodes(chosen: ReadonlySet<NodeId>): Command {
  const ids = new Set([...chosen].filter((id) => !isBoundary(id)));
  return (document) => {
    if (![...ids].some((id) => id in document.nodes)) return document;
    const keep = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(record).filter(([id]) => !ids.has(id)));
    return {
      ...document,
      nodes: keep(document.nodes),
      edges: document.edges.filter((edge) => !ids.has(edge.from.node) && !ids.has(edge.to.node)),
      inputs: Object.fromEntries(
        Object.entries(document.inputs).filter(([, { node }]) => !ids.has(node) && ![...ids].some((id) => node.startsWith(`${id}/`))),
      ),
      layout: {
        ...document.layout,
        nodes: keep(document.layout.nodes),
      },
    };
  };
}

/** Take nodes out and join what they stood between, as bypassing would (`through` says which input passes). */
export function dissolveNode(id: NodeId, through: (output: string) => SocketRef | undefined): Command {
  return (document) => {
    const joined = document.edges.flatMap((edge): Edge[] => {
      if (edge.to.node === id) return [];
      if (edge.from.node !== id) return [edge];
      const source = through(edge.from.socket);
      return source === undefined ? [] : [{ ...edge, from: source }];
    });
    return removeNodes(new Set([id]))({ ...document, edges: joined });
  };
}

/** Wire an output to an input; a wire that was there makes room. */
export function connect(from: SocketRef, to: SocketRef): Command {
  return (document) => {
    const edge: Edge = named(document, { from: { ...from }, to: { ...to } });
    const id = edgeId(edge);
    const present = document.edges.find((other) => edgeId(other) === id);
    if (present && present.from.node === from.node && present.from.socket === from.socket) return document;
    return { ...document, edges: [...document.edges.filter((other) => edgeId(other) !== id), edge] };
  };
}

/** A wire at the free socket of a sub-graph's end makes a new input or output, named like the socket at its other end. */
function named(document: WorkflowDocument, edge: Edge): Edge {
  const free = (boundary: NodeId, wanted: string): string => {
    const base = wanted.slice(wanted.lastIndexOf(".") + 1) || "value";
    const taken = new Set(boundaryNames(document.nodes[boundary]));
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? base : `${base}${number}`;
      if (!taken.has(name)) return name;
    }
  };
  const { from, to } = edge;
  if (from.node === INPUTS && from.socket === SPARE) return { ...edge, from: { ...from, socket: free(INPUTS, to.socket) } };
  if (to.node === OUTPUTS && to.socket === SPARE) return { ...edge, to: { ...to, socket: free(OUTPUTS, from.socket) } };
  return edge;
}

/** Cut wires by their ids. */
export function disconnect(ids: ReadonlySet<string>): Command {
  return (document) => {
    const edges = document.edges.filter((edge) => !ids.has(edgeId(edge)));
    return edges.length === document.edges.length ? document : { ...document, edges };
  };
}

/** Whether a wire would close a circle. */
export function closesCycle(document: WorkflowDocument, from: NodeId, to: NodeId): boolean {
  if (from === to) return true;
  const next = new Map<NodeId, NodeId[]>();
  for (const edge of document.edges) next.set(edge.from.node, [...(next.get(edge.from.node) ?? []), edge.to.node]);
  const seen = new Set<NodeId>([to]);
  const open = [to];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === from) return true;
    for (const reader of next.get(id) ?? []) {
      if (!seen.has(reader)) {
        seen.add(reader);
        open.push(reader);
      }
    }
  }
  return false;
}

/**
 * Set a value; `undefined` goes back to the default. A value that a sub-graph shows on its face is set where it lives,
 * at the inner node, and at all inner nodes that one input feeds.
 */
export function setValue(id: NodeId, name: string, value: JsonValue | undefined): Command {
  return (document) =>
    sharers(document, { node: id, socket: name })
      .flatMap((end) => homesOf(document, end))
      .reduce((current, home) => within(home.scope, setOwn(home.node, home.socket, value))(current), withoutOwn(id, name)(document));
}

/** A value written at a sub-graph itself would hide the inner node's. */
function withoutOwn(id: NodeId, name: string): Command {
  return (document) => {
    const [home] = homesOf(document, { node: id, socket: name });
    return home && home.scope.length > 0 ? setOwn(id, name, undefined)(document) : document;
  };
}

function setOwn(id: NodeId, name: string, value: JsonValue | undefined): Command {
  return (document) =>
    withNode(document, id, (node) => {
      if (same(node.values[name], value)) return node;
      const others = Object.fromEntries(Object.entries(node.values).filter(([other]) => other !== name));
      return { ...node, values: value === undefined ? others : { ...node.values, [name]: value } };
    });
}

/** Set several values of several nodes in one step. */
export function setValues(values: Readonly<Record<NodeId, Readonly<Record<string, JsonValue>>>>): Command {
  return (document) =>
    Object.entries(values).reduce(
      (current, [id, named]) =>
        Object.entries(named).reduce((state, [name, value]) => setValue(id, name, value)(state), current),
      document,
    );
}

export function setTitle(id: NodeId, title: string): Command {
  return (document) =>
    withNode(document, id, (node) => {
      if (isBoundary(id)) return node;
      const { title: before, ...others } = node;
      const wanted = title.trim();
      if ((before ?? "") === wanted) return node;
      return wanted === "" ? others : { ...others, title: wanted };
    });
}

/** Bypass or mute nodes; where all of them already are, make them normal again. */
export function toggleMode(ids: readonly NodeId[], mode: NodeMode): Command {
  return (document) => {
    const present = ids.filter((id) => id in document.nodes && !isBoundary(id));
    const clear = present.every((id) => document.nodes[id]?.mode === mode);
    return present.reduce(
      (current, id) =>
        withNode(current, id, (node) => {
          const { mode: before, ...others } = node;
          const wanted = clear ? undefined : mode;
          if (before === wanted) return node;
          return wanted === undefined ? others : { ...others, mode: wanted };
        }),
      document,
    );
  };
}

export function moveNodes(places: Places): Command {
  return (document) =>
    Object.entries(places).reduce((current, [id, { x, y }]) => withPlace(current, id, { x, y }), document);
}

export function resizeNode(id: NodeId, width: number): Command {
  return (document) => withPlace(document, id, { width });
}

export function setColor(ids: readonly NodeId[], color: string | undefined): Command {
  return (document) => ids.reduce((current, id) => withPlace(current, id, { color }), document);
}

export function toggleCollapsed(ids: readonly NodeId[]): Command {
  return (document) => {
    const all = ids.every((id) => document.layout.nodes[id]?.collapsed);
    return ids.reduce((current, id) => withPlace(current, id, { collapsed: all ? undefined : true }), document);
  };
}

export function toggleAdvanced(id: NodeId): Command {
  return (document) =>
    withPlace(document, id, { advanced: document.layout.nodes[id]?.advanced ? undefined : true });
}

/** Put a node into a wire: its first fitting input takes the wire's start, its first fitting output the wire's end. */
export function insertOnWire(id: NodeId, wire: Edge, input: string, output: string): Command {
  return (document) => {
    const cut = disconnect(new Set([edgeId(wire)]))(document);
    return connect({ node: id, socket: output }, wire.to)(connect(wire.from, { node: id, socket: input })(cut));
  };
}

/** Offer a value in the form view, or take it out. */
export function toggleFormInput(end: SocketRef, label: string): Command {
  return (document) => {
    const present = Object.entries(document.inputs).find(
      ([, input]) => input.node === end.node && input.socket === end.socket,
    );
    if (present) {
      return { ...document, inputs: Object.fromEntries(Object.entries(document.inputs).filter(([name]) => name !== present[0])) };
    }
    const name = freshId(document.inputs, end.socket);
    return { ...document, inputs: { ...document.inputs, [name]: { node: end.node, socket: end.socket, label } } };
  };
}

export function setMeta(name: string, value: JsonValue): Command {
  return (document) =>
    same(document.meta[name], value) ? document : { ...document, meta: { ...document.meta, [name]: value } };
}
