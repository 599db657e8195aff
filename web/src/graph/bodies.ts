/**
 * Sub-graphs and loop bodies as documents of their own.
 *
 * A node of type `Subgraph` (and every loop) carries its inner nodes in its `body`. While a person is inside, the body
 * is a document like any other, with two more nodes: `@inputs`, whose outputs are what comes from outside, and
 * `@outputs`, whose inputs are what goes out. So every command works inside as it does outside. Reading and writing a
 * body keeps identities: what was written is read back as the same object, and an unchanged node is not drawn again.
 */

import {
  type Edge,
  type JsonObject,
  type JsonValue,
  type NodeId,
  type NodeRecord,
  type SocketRef,
  type WorkflowDocument,
} from "./document";
import { FORMAT, VERSION, normalise } from "./normalise";
import { edgeJson, layoutJson, nodeJson } from "./serialise";

export const SUBGRAPH = "Subgraph";
export const INPUTS = "@inputs";
export const OUTPUTS = "@outputs";
/** The free socket of `@inputs` and `@outputs`: a wire from or to it makes a new one. */
export const SPARE = "+";

/** How a node type holds a body. */
export interface Container {
  /** Before the name of an inner input, in the names of the node's own sockets. */
  readonly prefix: string;
  /** What goes in and out is carried from turn to turn: one list of names for both. */
  readonly loop: boolean;
  /** Inner inputs and outputs that have no socket outside. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const CONTAINERS: Readonly<Record<string, Container>> = {
  [SUBGRAPH]: { prefix: "inputs.", loop: false, inputs: [], outputs: [] },
  ForLoop: { prefix: "state.", loop: true, inputs: ["index"], outputs: [] },
  WhileLoop: { prefix: "state.", loop: true, inputs: ["index"], outputs: ["again"] },
};

/** How a node of this type holds a body; undefined for ordinary nodes. */
export function containerOf(type: string): Container | undefined {
  return Object.hasOwn(CONTAINERS, type) ? CONTAINERS[type] : undefined;
}

/** Whether this is one of the two nodes that stand for the outside. */
export function isBoundary(id: NodeId): boolean {
  return id === INPUTS || id === OUTPUTS;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const views = new WeakMap<JsonObject, WorkflowDocument>();
const bodies = new WeakMap<WorkflowDocument, JsonObject>();
const emptyViews = new Map<string, WorkflowDocument>();

/** The names of a boundary node's sockets, in their order. */
export function boundaryNames(record: NodeRecord | undefined): readonly string[] {
  const names = record?.values.names;
  return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
}

function boundary(type: string, names: readonly string[], container: Container): NodeRecord {
  return { type, values: { names: [...names], fixed: [...(type === INPUTS ? container.inputs : container.outputs)], loop: container.loop } };
}

/** The inside of a node as a document; undefined for a node without a body. */
export function bodyView(record: NodeRecord | undefined): WorkflowDocument | undefined {
  const container = record === undefined ? undefined : containerOf(record.type);
  if (record === undefined || container === undefined) return undefined;
  const { body } = record.values;
  if (!isObject(body)) {
    const known = emptyViews.get(record.type) ?? readBody({ nodes: {} }, container);
    emptyViews.set(record.type, known);
    return known;
  }
  const known = views.get(body);
  if (known) return known;
  const view = readBody(body, container);
  views.set(body, view);
  return view;
}

const OWN = ["nodes", "edges", "inputs", "outputs", "layout"];

function endOf(raw: JsonValue | undefined): SocketRef | undefined {
  if (!Array.isArray(raw) || typeof raw[0] !== "string" || typeof raw[1] !== "string") return undefined;
  return { node: raw[0], socket: raw[1] };
}

function readBody(body: JsonObject, container: Container): WorkflowDocument {
  const inputs = isObject(body.inputs) ? body.inputs : {};
  const outputs = isObject(body.outputs) ? body.outputs : {};
  const inner = isObject(body.nodes) ? body.nodes : {};
  const bounds: JsonObject = { [INPUTS]: { type: INPUTS }, [OUTPUTS]: { type: OUTPUTS } };
  const extra = Object.fromEntries(Object.entries(body).filter(([name]) => !OWN.includes(name)));
  const { document } = normalise({
    ...extra,
    format: FORMAT,
    version: VERSION,
    nodes: { ...bounds, ...inner },
    edges: body.edges ?? [],
    layout: body.layout ?? {},
  });
  const fed = Object.entries(inputs).flatMap(([name, ends]) =>
    (Array.isArray(ends) ? ends : []).flatMap((raw): Edge[] => {
      const to = endOf(raw);
      return to && to.node in document.nodes ? [{ from: { node: INPUTS, socket: name }, to }] : [];
    }),
  );
  const read = Object.entries(outputs).flatMap(([name, raw]): Edge[] => {
    const from = endOf(raw);
    return from && from.node in document.nodes ? [{ from, to: { node: OUTPUTS, socket: name } }] : [];
  });
  const order = (side: "inputs" | "outputs"): string[] => {
    const kept = document.layout.extra?.[side];
    return Array.isArray(kept) ? kept.filter((name): name is string => typeof name === "string" && name in { inputs, outputs }[side]) : [];
  };
  const names = [...new Set([...container.inputs, ...order("inputs"), ...Object.keys(inputs)])];
  const carried = container.loop ? names.filter((name) => !container.inputs.includes(name)) : [];
  const given = [...new Set([...container.outputs, ...carried, ...order("outputs"), ...Object.keys(outputs)])];
  return placeBoundaries({
    ...document,
    nodes: {
      ...document.nodes,
      [INPUTS]: boundary(INPUTS, names, container),
      [OUTPUTS]: boundary(OUTPUTS, given, container),
    },
    edges: [...document.edges, ...fed, ...read],
  });
}

const BESIDE = 340;

/** A body that was written by a program has no places: its two ends stand left and right of the rest. */
function placeBoundaries(view: WorkflowDocument): WorkflowDocument {
  const { nodes } = view.layout;
  if (nodes[INPUTS] && nodes[OUTPUTS]) return view;
  const others = Object.entries(nodes).filter(([id]) => !isBoundary(id)).map(([, place]) => place);
  const left = Math.min(...others.map((place) => place.x), Number.POSITIVE_INFINITY);
  const right = Math.max(...others.map((place) => place.x), Number.NEGATIVE_INFINITY);
  const top = Math.min(...others.map((place) => place.y), Number.POSITIVE_INFINITY);
  const [x0, x1, y] = others.length > 0 ? [left - BESIDE, right + BESIDE, top] : [0, 2 * BESIDE, 0];
  return { ...view, layout: { ...view.layout, nodes: { [INPUTS]: { x: x0, y }, [OUTPUTS]: { x: x1, y }, ...nodes } } };
}

/** An inside as the value that stands in the node. */
export function bodyJson(view: WorkflowDocument): JsonObject {
  const known = bodies.get(view);
  if (known) return known;
  const ends = (edge: Edge["to"]): JsonValue => [edge.node, edge.socket];
  const inputs: Record<string, JsonValue[]> = Object.fromEntries(boundaryNames(view.nodes[INPUTS]).map((name) => [name, []]));
  const outputs: JsonObject = {};
  const edges: JsonObject[] = [];
  for (const edge of view.edges) {
    if (edge.from.node === INPUTS) inputs[edge.from.socket] = [...(inputs[edge.from.socket] ?? []), ends(edge.to)];
    else if (edge.to.node !== OUTPUTS) edges.push(edgeJson(edge));
  }
  for (const name of boundaryNames(view.nodes[OUTPUTS])) {
    const wire = view.edges.find((edge) => edge.to.node === OUTPUTS && edge.to.socket === name);
    if (wire && wire.from.node !== INPUTS) outputs[name] = ends(wire.from);
  }
  const body: JsonObject = {
    ...view.extra,
    nodes: Object.fromEntries(Object.entries(view.nodes).filter(([id]) => !isBoundary(id)).map(([id, record]) => [id, nodeJson(record)])),
    edges,
    inputs,
    outputs,
    // members of an object have no order that files keep, so it stands with the looks
    layout: { ...layoutJson(view.layout), inputs: Object.keys(inputs), outputs: Object.keys(outputs) },
  };
  views.set(body, view);
  bodies.set(view, body);
  return body;
}

// ----------------------------------------------------------------------------------------------- places inside

export type Scope = readonly NodeId[];

/** The document that a person sees inside of the named nodes; undefined where there is no such inside. */
export function viewAt(document: WorkflowDocument, scope: Scope): WorkflowDocument | undefined {
  let view: WorkflowDocument | undefined = document;
  for (const id of scope) view = bodyView(view?.nodes[id]);
  return view;
}

/** After a command: every wire at the ends has a name there, and an output that nothing feeds is gone. */
function settled(view: WorkflowDocument): WorkflowDocument {
  const [ins, outs] = [view.nodes[INPUTS], view.nodes[OUTPUTS]];
  if (!ins || !outs) return view;
  const fed = view.edges.filter((edge) => edge.from.node === INPUTS).map((edge) => edge.from.socket);
  const read = new Set(view.edges.filter((edge) => edge.to.node === OUTPUTS).map((edge) => edge.to.socket));
  const names = [...new Set([...boundaryNames(ins), ...fed])];
  const fixed = new Set(fixedNames(outs));
  const carried = ins.values.loop === true ? names.filter((name) => !fixedNames(ins).includes(name)) : [];
  const given = [...new Set([...boundaryNames(outs), ...read, ...carried])].filter(
    (name) => read.has(name) || fixed.has(name) || carried.includes(name),
  );
  const nodes = { ...view.nodes, [INPUTS]: withNames(ins, names), [OUTPUTS]: withNames(outs, given) };
  return nodes[INPUTS] === ins && nodes[OUTPUTS] === outs ? view : { ...view, nodes };
}

function withNames(record: NodeRecord, names: readonly string[]): NodeRecord {
  const before = boundaryNames(record);
  const same = before.length === names.length && before.every((name, place) => name === names[place]);
  return same ? record : { ...record, values: { ...record.values, names: [...names] } };
}

/** The names at an end that cannot be renamed or taken away. */
export function fixedNames(record: NodeRecord | undefined): readonly string[] {
  const names = record?.values.fixed;
  return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
}

/** The whole document with another inside at `scope`. */
export function putAt(document: WorkflowDocument, scope: Scope, inner: WorkflowDocument): WorkflowDocument {
  let changed = inner;
  for (let depth = scope.length - 1; depth >= 0; depth -= 1) {
    const outer = viewAt(document, scope.slice(0, depth));
    const id = scope[depth];
    const record = id === undefined ? undefined : outer?.nodes[id];
    if (outer === undefined || id === undefined || record === undefined) return document;
    if (changed === bodyView(record)) return document;
    const body = bodyJson(changed);
    const set = { ...outer, nodes: { ...outer.nodes, [id]: { ...record, values: { ...record.values, body } } } };
    changed = withoutLostSockets(set, id, changed);
  }
  return changed;
}

/** Wires at sockets of a sub-graph that are no longer there are cut. */
function withoutLostSockets(outer: WorkflowDocument, id: NodeId, inner: WorkflowDocument): WorkflowDocument {
  const container = containerOf(outer.nodes[id]?.type ?? "");
  if (!container) return outer;
  const inputs = new Set(boundaryNames(inner.nodes[INPUTS]));
  const outputs = new Set(boundaryNames(inner.nodes[container.loop ? INPUTS : OUTPUTS]));
  const { prefix } = container;
  const edges = outer.edges.filter((edge) => {
    if (edge.to.node === id && edge.to.socket.startsWith(prefix)) return inputs.has(edge.to.socket.slice(prefix.length));
    return edge.from.node !== id || outputs.has(edge.from.socket);
  });
  return edges.length === outer.edges.length ? outer : { ...outer, edges };
}

/** A command that works on the document, as one that works inside of `scope`. */
export function within(scope: Scope, command: (view: WorkflowDocument) => WorkflowDocument): (document: WorkflowDocument) => WorkflowDocument {
  if (scope.length === 0) return command;
  return (document) => {
    const view = viewAt(document, scope);
    if (view === undefined) return document;
    const changed = command(view);
    return changed === view ? document : putAt(document, scope, settled(changed));
  };
}

/** The name of an inner node in events, plans and problems: `title/inner`. */
export function pathOf(scope: Scope, id: NodeId): string {
  return scope.length === 0 ? id : `${scope.join("/")}/${id}`;
}

/** A node by its path: where it is, and its id there. Ids may contain slashes themselves. */
export function findPath(document: WorkflowDocument, path: string): { readonly scope: Scope; readonly id: NodeId } | undefined {
  const scope: NodeId[] = [];
  let view: WorkflowDocument | undefined = document;
  let rest = path;
  while (view !== undefined) {
    if (rest in view.nodes) return { scope, id: rest };
    const here: WorkflowDocument = view;
    const found: string | undefined = Object.keys(here.nodes).find((id) => rest.startsWith(`${id}/`) && containerOf(here.nodes[id]?.type ?? ""));
    if (found === undefined) return undefined;
    scope.push(found);
    rest = rest.slice(found.length + 1);
    // in the events of a loop the number of the turn stands before the inner node's name
    if (containerOf(here.nodes[found]?.type ?? "")?.loop) rest = rest.replace(/^(?:@\d+\/)?\d+\//, "");
    view = bodyView(here.nodes[found]);
  }
  return undefined;
}

/** A node's record by its path. */
export function recordAt(document: WorkflowDocument, path: string): NodeRecord | undefined {
  const found = findPath(document, path);
  return found && viewAt(document, found.scope)?.nodes[found.id];
}

/** Every document inside of a document, itself first, with where it is. */
export function allViews(document: WorkflowDocument): readonly { readonly scope: Scope; readonly view: WorkflowDocument }[] {
  const found: { scope: Scope; view: WorkflowDocument }[] = [{ scope: [], view: document }];
  for (let at = 0; at < found.length; at += 1) {
    const here = found[at];
    if (!here) break;
    for (const [id, record] of Object.entries(here.view.nodes)) {
      const inner = containerOf(record.type) ? bodyView(record) : undefined;
      if (inner) found.push({ scope: [...here.scope, id], view: inner });
    }
  }
  return found;
}

/** Where two documents differ, as deep inside as everything that differs lies. */
export function changedScope(before: WorkflowDocument, after: WorkflowDocument): Scope {
  const scope: NodeId[] = [];
  let [left, right] = [before, after];
  for (;;) {
    if (left.edges !== right.edges || Object.keys(left.nodes).length !== Object.keys(right.nodes).length) return scope;
    const differing = Object.keys(right.nodes).filter((id) => left.nodes[id] !== right.nodes[id]);
    const [only] = differing;
    if (only === undefined || differing.length > 1) return scope;
    const inner = [bodyView(left.nodes[only]), bodyView(right.nodes[only])];
    if (!inner[0] || !inner[1] || inner[0] === inner[1]) return scope;
    scope.push(only);
    [left, right] = [inner[0], inner[1]];
  }
}
