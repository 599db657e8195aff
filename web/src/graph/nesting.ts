/** Make a sub-graph of nodes, take one apart, and change what it shows on its face. */

import {
  INPUTS,
  OUTPUTS,
  SPARE,
  SUBGRAPH,
  bodyJson,
  bodyView,
  boundaryNames,
  containerOf,
  fixedNames,
  isBoundary,
  putAt,
} from "./bodies";
import { connect, removeNodes } from "./commands";
import { EMPTY_DOCUMENT, freshElementId, freshId, type Edge, type JsonValue, type NodeId, type NodeLayout, type SocketRef, type WorkflowDocument } from "./document";
import { snap } from "./geometry";
import { inputInfoOf, valueOf, type Catalogue } from "./sockets";

type Command = (document: WorkflowDocument) => WorkflowDocument;

const BESIDE = 340;

function unusedName(taken: ReadonlySet<string>, wanted: string): string {
  const base = wanted.slice(wanted.lastIndexOf(".") + 1) || "value";
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}${number}`;
    if (!taken.has(name)) return name;
  }
}

/** Whether nodes cannot become one, because a wire leads out of them and back in. */
export function leavesAndReturns(document: WorkflowDocument, ids: ReadonlySet<NodeId>): boolean {
  const next = new Map<NodeId, NodeId[]>();
  for (const edge of document.edges) next.set(edge.from.node, [...(next.get(edge.from.node) ?? []), edge.to.node]);
  const seen = new Set<NodeId>();
  const open = [...ids].flatMap((id) => (next.get(id) ?? []).filter((reader) => !ids.has(reader)));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (ids.has(id)) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...(next.get(id) ?? []));
  }
  return false;
}

interface Made {
  readonly document: WorkflowDocument;
  readonly id: NodeId | undefined;
}

export interface Making {
  readonly title?: string;
  readonly notes?: ReadonlySet<string>;
  /** `Subgraph`, or a loop's type. */
  readonly type?: string;
  /** For a loop: whether what goes out may be what the next turn receives there. */
  readonly carries?: (output: SocketRef, input: SocketRef) => boolean;
}

/**
 * Put nodes (and notes) into one node. Wires to and from them become its inputs and outputs. In a loop, an output is
 * carried on under the name of the input that it fits.
 */
export function makeSubgraph(document: WorkflowDocument, chosen: ReadonlySet<NodeId>, making: Making = {}): Made {
  const { title = "", notes = new Set<string>(), type = SUBGRAPH, carries = () => false } = making;
  const ids = new Set([...chosen].filter((id) => id in document.nodes && !isBoundary(id)));
  const container = containerOf(type);
  if (ids.size === 0 || !container || leavesAndReturns(document, ids)) return { document, id: undefined };
  const inside = (node: NodeId): boolean => ids.has(node);
  const [names, given] = [new Map<string, string>(), new Map<string, string>()];
  const [taken, used] = [new Set<string>(container.inputs), new Set<string>(container.outputs)];
  const innerEdges: Edge[] = [];
  const outer: { readonly feeds: Edge[]; readonly reads: Edge[] } = { feeds: [], reads: [] };
  for (const edge of document.edges) {
    if (inside(edge.from.node) && inside(edge.to.node)) innerEdges.push(edge);
    else if (inside(edge.to.node)) outer.feeds.push(edge);
    else if (inside(edge.from.node)) outer.reads.push(edge);
  }
  for (const edge of outer.feeds) {
    const source = JSON.stringify([edge.from.node, edge.from.socket]);
    const name = names.get(source) ?? unusedName(taken, edge.to.socket);
    names.set(source, name);
    taken.add(name);
    innerEdges.push({ from: { node: INPUTS, socket: name }, to: edge.to });
  }
  for (const edge of outer.reads) {
    const source = JSON.stringify([edge.from.node, edge.from.socket]);
    if (given.has(source)) continue;
    const fitting = innerEdges.find(({ from, to }) => from.node === INPUTS && !used.has(from.socket) && carries(edge.from, to));
    const name = container.loop && fitting ? fitting.from.socket : unusedName(used, edge.from.socket);
    given.set(source, name);
    used.add(name);
    innerEdges.push({ from: edge.from, to: { node: OUTPUTS, socket: name } });
  }
  const places = [...ids].map((id) => document.layout.nodes[id] ?? { x: 0, y: 0 });
  const left = Math.min(...places.map((place) => place.x));
  const right = Math.max(...places.map((place) => place.x));
  const top = Math.min(...places.map((place) => place.y));
  const bottom = Math.max(...places.map((place) => place.y));
  const own = Object.fromEntries(Object.entries(document.layout.nodes).filter(([node]) => ids.has(node)));
  const view: WorkflowDocument = {
    ...EMPTY_DOCUMENT,
    nodes: {
      [INPUTS]: { type: INPUTS, values: { names: [...taken], fixed: [...container.inputs], loop: container.loop } },
      [OUTPUTS]: { type: OUTPUTS, values: { names: [...used], fixed: [...container.outputs], loop: container.loop } },
      ...Object.fromEntries(Object.entries(document.nodes).filter(([node]) => ids.has(node))),
    },
    edges: innerEdges,
    layout: {
      nodes: { [INPUTS]: { x: left - BESIDE, y: top }, [OUTPUTS]: { x: right + BESIDE, y: top }, ...own },
      groups: [],
      notes: document.layout.notes.filter((note) => notes.has(note.id)),
    },
  };
  const id = freshId(document.nodes, type);
  const place = { x: snap((left + right) / 2), y: snap((top + bottom) / 2) };
  const rest = removeNodes(ids)(document);
  const feeds = [...new Map(outer.feeds.map((edge) => [names.get(JSON.stringify([edge.from.node, edge.from.socket])) ?? "", edge.from]))];
  const inputs = Object.entries(document.inputs).map(([name, input]) => [name, ids.has(input.node) ? { ...input, node: `${id}/${input.node}` } : input]);
  return {
    id,
    document: {
      ...rest,
      nodes: { ...rest.nodes, [id]: { type, values: { body: bodyJson(view) }, ...(title ? { title } : {}) } },
      edges: [
        ...rest.edges,
        ...feeds.map(([name, from]): Edge => ({ from, to: { node: id, socket: `${container.prefix}${name}` } })),
        ...outer.reads.map((edge): Edge => {
          const name = given.get(JSON.stringify([edge.from.node, edge.from.socket])) ?? "";
          return { ...edge, from: { node: id, socket: name } };
        }),
      ],
      inputs: Object.fromEntries(inputs) as WorkflowDocument["inputs"],
      layout: {
        ...rest.layout,
        nodes: { ...rest.layout.nodes, [id]: place },
        notes: rest.layout.notes.filter((note) => !notes.has(note.id)),
      },
    },
  };
}

interface Unpacked {
  readonly document: WorkflowDocument;
  readonly ids: readonly NodeId[];
}

/** Put the inner nodes of a sub-graph in its place. */
export function unpackSubgraph(document: WorkflowDocument, id: NodeId): Unpacked {
  const record = document.nodes[id];
  const inner = record?.type === SUBGRAPH ? bodyView(record) : undefined;
  if (!record || !inner) return { document, ids: [] };
  const container = containerOf(SUBGRAPH);
  const prefix = container?.prefix ?? "";
  const rest = removeNodes(new Set([id]))(document);
  const nodes = { ...rest.nodes };
  const layout: Record<NodeId, NodeLayout> = { ...rest.layout.nodes };
  const names = new Map<NodeId, NodeId>();
  const own = Object.entries(inner.nodes).filter(([name]) => !isBoundary(name));
  const places = own.map(([name]) => inner.layout.nodes[name] ?? { x: 0, y: 0 });
  const middle = (values: readonly number[]): number => (values.length === 0 ? 0 : (Math.min(...values) + Math.max(...values)) / 2);
  const here = document.layout.nodes[id] ?? { x: 0, y: 0 };
  const shift = {
    x: snap(here.x - middle(places.map((place) => place.x))),
    y: snap(here.y - middle(places.map((place) => place.y))),
  };
  for (const [name, inside] of own) {
    const fresh = name in nodes ? freshId(nodes, inside.type) : name;
    names.set(name, fresh);
    const { mode } = record;
    nodes[fresh] = mode === undefined ? inside : { ...inside, mode };
    const place = inner.layout.nodes[name] ?? { x: 0, y: 0 };
    layout[fresh] = { ...place, x: place.x + shift.x, y: place.y + shift.y };
  }
  const end = (at: SocketRef): SocketRef => ({ ...at, node: names.get(at.node) ?? at.node });
  const sources = new Map(document.edges.filter((edge) => edge.to.node === id).map((edge) => [edge.to.socket.slice(prefix.length), edge.from]));
  const edges = [...rest.edges];
  const given = new Map<string, SocketRef>();
  for (const edge of inner.edges) {
    if (edge.from.node === INPUTS) {
      const from = sources.get(edge.from.socket);
      if (from && edge.to.node !== OUTPUTS) edges.push({ ...edge, from, to: end(edge.to) });
    } else if (edge.to.node === OUTPUTS) given.set(edge.to.socket, end(edge.from));
    else edges.push({ ...edge, from: end(edge.from), to: end(edge.to) });
  }
  for (const edge of document.edges) {
    const from = edge.from.node === id ? given.get(edge.from.socket) : undefined;
    if (from) edges.push({ ...edge, from });
  }
  const moved = <T extends { readonly id: string; readonly x: number; readonly y: number }>(boxes: readonly T[], present: readonly T[], kind: string): T[] =>
    boxes.reduce<T[]>(
      (all, box) => [...all, { ...box, id: freshElementId(all, kind), x: box.x + shift.x, y: box.y + shift.y }],
      [...present],
    );
  const inputs = Object.entries(document.inputs).flatMap(([name, input]) => {
    if (input.node === id) return [];
    const path = input.node.startsWith(`${id}/`) ? input.node.slice(id.length + 1) : undefined;
    if (path === undefined) return [[name, input]];
    const head = own.map(([node]) => node).find((node) => path === node || path.startsWith(`${node}/`));
    return head === undefined ? [] : [[name, { ...input, node: `${names.get(head) ?? head}${path.slice(head.length)}` }]];
  });
  return {
    ids: [...names.values()],
    document: {
      ...rest,
      nodes,
      edges,
      inputs: Object.fromEntries(inputs) as WorkflowDocument["inputs"],
      layout: {
        ...rest.layout,
        nodes: layout,
        groups: moved(inner.layout.groups, rest.layout.groups, "group"),
        notes: moved(inner.layout.notes, rest.layout.notes, "note"),
      },
    },
  };
}

// --------------------------------------------------------------------------------------------- what it shows

/** Show an inner input on the face of the sub-graph, or take it off again. Its value stays where it is. */
export function toggleExposed(end: SocketRef): Command {
  return (view) => {
    const wire = view.edges.find((edge) => edge.to.node === end.node && edge.to.socket === end.socket);
    if (wire?.from.node === INPUTS) return withoutFace("input", wire.from.socket)(view);
    return connect({ node: INPUTS, socket: SPARE }, end)(view);
  };
}

function withBoundaryNames(view: WorkflowDocument, side: "input" | "output", change: (names: readonly string[]) => readonly string[]): WorkflowDocument {
  const id = side === "input" ? INPUTS : OUTPUTS;
  const record = view.nodes[id];
  if (!record) return view;
  return { ...view, nodes: { ...view.nodes, [id]: { ...record, values: { ...record.values, names: [...change(boundaryNames(record))] } } } };
}

/** Inside: take an input or output off the face. */
export function withoutFace(side: "input" | "output", name: string): Command {
  return (view) => {
    const record = view.nodes[side === "input" ? INPUTS : OUTPUTS];
    if (fixedNames(record).includes(name)) return view;
    const edges = view.edges.filter((edge) =>
      side === "input"
        ? !(edge.from.node === INPUTS && edge.from.socket === name)
        : !(edge.to.node === OUTPUTS && edge.to.socket === name),
    );
    const fewer = withBoundaryNames({ ...view, edges }, side, (names) => names.filter((other) => other !== name));
    if (record?.values.loop !== true || side !== "input") return fewer;
    return withoutCarried(fewer, name);
  };
}

function withoutCarried(view: WorkflowDocument, name: string): WorkflowDocument {
  const edges = view.edges.filter((edge) => !(edge.to.node === OUTPUTS && edge.to.socket === name));
  return withBoundaryNames({ ...view, edges }, "output", (names) => names.filter((other) => other !== name));
}

/** Inside: move an input or output up or down on the face. */
export function moveFace(side: "input" | "output", name: string, by: -1 | 1): Command {
  return (view) => {
    const names = boundaryNames(view.nodes[side === "input" ? INPUTS : OUTPUTS]);
    const at = names.indexOf(name);
    const to = at + by;
    if (at < 0 || to < 0 || to >= names.length) return view;
    const moved = names.filter((other) => other !== name);
    moved.splice(to, 0, name);
    return withBoundaryNames(view, side, () => moved);
  };
}

/**
 * Rename an input or output of the node `id` in `outer`, with the wires at it on both sides. A name that is taken or
 * empty changes nothing.
 */
export function renameFace(id: NodeId, side: "input" | "output", before: string, wanted: string): Command {
  return (outer) => {
    const record = outer.nodes[id];
    const container = containerOf(record?.type ?? "");
    const inner = bodyView(record);
    const after = wanted.trim();
    if (!record || !container || !inner || after === "" || after === before || after === SPARE) return outer;
    const ends = [inner.nodes[INPUTS], inner.nodes[OUTPUTS]];
    const both = container.loop;
    if (fixedNames(ends[side === "input" ? 0 : 1]).includes(before)) return outer;
    const taken = both ? [...boundaryNames(ends[0]), ...boundaryNames(ends[1])] : boundaryNames(ends[side === "input" ? 0 : 1]);
    if (taken.includes(after)) return outer;
    const swap = (names: readonly string[]): readonly string[] => names.map((name) => (name === before ? after : name));
    const [onInput, onOutput] = [both || side === "input", both || side === "output"];
    const edges = inner.edges.map((edge): Edge => {
      if (onInput && edge.from.node === INPUTS && edge.from.socket === before) return { ...edge, from: { ...edge.from, socket: after } };
      if (onOutput && edge.to.node === OUTPUTS && edge.to.socket === before) return { ...edge, to: { ...edge.to, socket: after } };
      return edge;
    });
    let view: WorkflowDocument = { ...inner, edges };
    if (onInput) view = withBoundaryNames(view, "input", swap);
    if (onOutput) view = withBoundaryNames(view, "output", swap);
    const [old, fresh] = [container.prefix + before, container.prefix + after];
    const outside = outer.edges.map((edge): Edge => {
      if (onInput && edge.to.node === id && edge.to.socket === old) return { ...edge, to: { ...edge.to, socket: fresh } };
      if (onOutput && edge.from.node === id && edge.from.socket === before) return { ...edge, from: { ...edge.from, socket: after } };
      return edge;
    });
    const values = Object.fromEntries(Object.entries(record.values).map(([name, value]) => [onInput && name === old ? fresh : name, value]));
    const renamed = { ...outer, nodes: { ...outer.nodes, [id]: { ...record, values } }, edges: outside };
    return putAt(renamed, [id], view);
  };
}

/**
 * What a loop carries needs a first value. Where neither a wire nor a value brings it, it is the one that the inner node
 * had.
 */
export function withFirstValues(outer: WorkflowDocument, id: NodeId, catalogue: Catalogue): WorkflowDocument {
  const record = outer.nodes[id];
  const container = containerOf(record?.type ?? "");
  const inner = bodyView(record);
  if (!record || !container?.loop || !inner) return outer;
  const wired = new Set(outer.edges.filter((edge) => edge.to.node === id).map((edge) => edge.to.socket));
  const missing = boundaryNames(inner.nodes[INPUTS]).flatMap((name): [string, JsonValue][] => {
    const socket = container.prefix + name;
    const wire = inner.edges.find((edge) => edge.from.node === INPUTS && edge.from.socket === name);
    const home = wire && inner.nodes[wire.to.node];
    if (container.inputs.includes(name) || wired.has(socket) || socket in record.values || !wire || !home) return [];
    const value = valueOf(home, inputInfoOf(home, catalogue, wire.to.socket), wire.to.socket);
    return value === null ? [] : [[socket, value]];
  });
  if (missing.length === 0) return outer;
  return { ...outer, nodes: { ...outer.nodes, [id]: { ...record, values: { ...record.values, ...Object.fromEntries(missing) } } } };
}
