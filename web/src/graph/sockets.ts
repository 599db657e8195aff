/** The sockets of a placed node: its type's, one more for every variadic input, and what a ghost node is known to have. */

import type { InputInfo, NodeTypeInfo, OutputInfo, TypeInfo, WidgetInfo } from "../api/protocol";
import { INPUTS, OUTPUTS, SPARE, bodyView, boundaryNames, containerOf, type Container } from "./bodies";
import { faceName } from "./homes";
import { ANY_TYPE } from "./compatibility";
import { REROUTE } from "./reroute";
import type { Edge, NodeId, NodeRecord, SocketRef, WorkflowDocument } from "./document";

export type Catalogue = ReadonlyMap<string, NodeTypeInfo>;

export interface InputSocket {
  /** The name in the document, e.g. `items.0`. */
  readonly name: string;
  readonly label: string;
  readonly type: TypeInfo;
  readonly info: InputInfo | undefined;
  readonly widget: WidgetInfo | null;
  /** Not there yet: the free place at the end of a variadic input. */
  readonly spare: boolean;
}

export interface Sockets {
  readonly inputs: readonly InputSocket[];
  readonly outputs: readonly OutputInfo[];
  /** The node's type is not known here. */
  readonly ghost: boolean;
}

/** Wires by the node they end at and by the node they start from. */
export interface Wiring {
  readonly into: ReadonlyMap<NodeId, readonly Edge[]>;
  readonly outOf: ReadonlyMap<NodeId, readonly Edge[]>;
}

const NO_EDGES: readonly Edge[] = [];

/** Index the wires once per document; lists keep their identity only within one index. */
export function wiringOf(edges: readonly Edge[]): Wiring {
  const into = new Map<NodeId, Edge[]>();
  const outOf = new Map<NodeId, Edge[]>();
  for (const edge of edges) {
    push(into, edge.to.node, edge);
    push(outOf, edge.from.node, edge);
  }
  return { into, outOf };
}

function push(index: Map<NodeId, Edge[]>, key: NodeId, edge: Edge): void {
  const list = index.get(key);
  if (list) list.push(edge);
  else index.set(key, [edge]);
}

export function edgesInto(wiring: Wiring, node: NodeId): readonly Edge[] {
  return wiring.into.get(node) ?? NO_EDGES;
}

export function edgesOutOf(wiring: Wiring, node: NodeId): readonly Edge[] {
  return wiring.outOf.get(node) ?? NO_EDGES;
}

/** All sockets of a node, in the order in which they are shown. `document` is where the node stands. */
export function socketsOf(
  record: NodeRecord,
  wiring: Wiring,
  id: NodeId,
  catalogue: Catalogue,
  document?: WorkflowDocument,
): Sockets {
  if (document && id === INPUTS) return innerEnd(document, catalogue, "output");
  if (document && id === OUTPUTS) return innerEnd(document, catalogue, "input");
  const info = catalogue.get(record.type);
  const container = containerOf(record.type);
  if (info && document && record.type === REROUTE) {
    const type = outputType(document, catalogue, { node: id, socket: "value" });
    return { inputs: info.inputs.map((input) => ({ ...plain(input), type })), outputs: info.outputs.map((output) => ({ ...output, type })), ghost: false };
  }
  if (info && container) return faceSockets(record, info, container, catalogue);
  const wired = edgesInto(wiring, id).map((edge) => edge.to.socket);
  const read = edgesOutOf(wiring, id).map((edge) => edge.from.socket);
  if (info === undefined) return ghostSockets(record, wired, read);
  const used = new Set([...wired, ...Object.keys(record.values)]);
  const inputs = info.inputs.flatMap((input) => (input.variadic ? variadicSockets(input, used) : [plain(input)]));
  return { inputs, outputs: outputsOf(info, read), ghost: false };
}

/** The sockets of a node that stands for the outside. A free one makes a new input or output. */
function innerEnd(document: WorkflowDocument, catalogue: Catalogue, side: "input" | "output"): Sockets {
  const node = side === "output" ? INPUTS : OUTPUTS;
  const record = document.nodes[node];
  const names = boundaryNames(record);
  const spare = side === "output" || record?.values.loop !== true ? [SPARE] : [];
  if (side === "output") {
    const outputs = [...names, ...spare].map((name) => ({ name, type: outputType(document, catalogue, { node, socket: name }), doc: "" }));
    return { inputs: [], outputs, ghost: false };
  }
  const inputs = [...names, ...spare].map((name): InputSocket => {
    const type = inputType(document, catalogue, { node, socket: name });
    return { name, label: name, type, info: undefined, widget: null, spare: name === SPARE };
  });
  return { inputs, outputs: [], ghost: false };
}

/** The sockets on the face of a node with a body: its own, and one for each inner input and output. */
function faceSockets(record: NodeRecord, info: NodeTypeInfo, container: Container, catalogue: Catalogue): Sockets {
  const inner = bodyView(record);
  const own = info.inputs.filter((input) => input.variadic === "" && input.widget?.kind !== "subgraph").map(plain);
  const names = boundaryNames(inner?.nodes[INPUTS]).filter((name) => !container.inputs.includes(name));
  const faces = names.map((name): InputSocket => {
    const leaf = inner && innerInput(inner, catalogue, name);
    const socket = container.prefix + name;
    const about = leaf && { ...leaf, name: socket, variadic: "" as const };
    return { name: socket, label: name, type: leaf?.type ?? ANY_TYPE, info: about, widget: leaf?.widget ?? null, spare: false };
  });
  const given = container.loop ? names : boundaryNames(inner?.nodes[OUTPUTS]);
  const outputs = given.map((name) => ({ name, type: (inner && innerOutputType(inner, catalogue, name)) ?? ANY_TYPE, doc: "" }));
  return { inputs: [...own, ...faces], outputs, ghost: false };
}

/** The inner socket that an input of a sub-graph feeds first; a nested sub-graph's is looked up in turn. */
function innerInput(inner: WorkflowDocument, catalogue: Catalogue, name: string): InputInfo | undefined {
  const wire = inner.edges.find((edge) => edge.from.node === INPUTS && edge.from.socket === name);
  const record = wire && inner.nodes[wire.to.node];
  if (!wire || !record || wire.to.node === OUTPUTS) return undefined;
  return inputInfoOf(record, catalogue, wire.to.socket);
}

function innerOutputType(inner: WorkflowDocument, catalogue: Catalogue, name: string): TypeInfo | undefined {
  const wire = inner.edges.find((edge) => edge.to.node === OUTPUTS && edge.to.socket === name);
  if (wire && wire.from.node !== INPUTS) return outputType(inner, catalogue, wire.from);
  return innerInput(inner, catalogue, name)?.type;
}

/** The description of an input of a placed node, also of one that a sub-graph shows for an inner node. */
export function inputInfoOf(record: NodeRecord, catalogue: Catalogue, name: string): InputInfo | undefined {
  const container = containerOf(record.type);
  if (container && name.startsWith(container.prefix)) {
    const inner = bodyView(record);
    return inner && innerInput(inner, catalogue, name.slice(container.prefix.length));
  }
  return inputInfo(catalogue.get(record.type), name);
}

function plain(info: InputInfo): InputSocket {
  return { name: info.name, label: info.name, type: info.type, info, widget: info.widget, spare: false };
}

function variadicSockets(info: InputInfo, used: ReadonlySet<string>): InputSocket[] {
  const prefix = `${info.name}.`;
  const present = [...used].filter((name) => name.startsWith(prefix));
  const numbers = present.map((name) => Number(name.slice(prefix.length))).filter(Number.isInteger);
  const next = Math.max(-1, ...numbers) + 1;
  const names =
    info.variadic === "items" ? Array.from({ length: next }, (_, index) => `${prefix}${index}`) : present.sort();
  const make = (name: string, spare: boolean): InputSocket => ({
    name,
    label: spare ? info.name : `${info.name} ${name.slice(prefix.length)}`,
    type: info.type,
    info,
    widget: info.widget,
    spare,
  });
  return [...names.map((name) => make(name, false)), make(`${prefix}${next}`, true)];
}

function outputsOf(info: NodeTypeInfo, read: readonly string[]): readonly OutputInfo[] {
  const dynamic = info.dynamic_outputs;
  if (dynamic === null) return info.outputs;
  const known = new Set(info.outputs.map((output) => output.name));
  const more = [...new Set(read)].filter((name) => !known.has(name));
  return [...info.outputs, ...more.map((name) => ({ name, type: dynamic, doc: "" }))];
}

function ghostSockets(record: NodeRecord, wired: readonly string[], read: readonly string[]): Sockets {
  const names = [...new Set([...wired, ...Object.keys(record.values)])];
  const inputs = names.map((name) => ({
    name,
    label: name,
    type: ANY_TYPE,
    info: undefined,
    widget: null,
    spare: false,
  }));
  const outputs = [...new Set(read)].map((name) => ({ name, type: ANY_TYPE, doc: "" }));
  return { inputs, outputs, ghost: true };
}

/** What reroutes pass on: the output before the first of them. */
function beforeReroutes(document: WorkflowDocument, end: SocketRef): SocketRef {
  const seen = new Set<NodeId>();
  let here = end;
  while (document.nodes[here.node]?.type === REROUTE && !seen.has(here.node)) {
    seen.add(here.node);
    const { node } = here;
    const wire = document.edges.find((edge) => edge.to.node === node);
    if (!wire) return here;
    here = wire.from;
  }
  return here;
}

/** The type of an output of a placed node. */
export function outputType(document: WorkflowDocument, catalogue: Catalogue, named: SocketRef): TypeInfo {
  const end = beforeReroutes(document, named);
  if (end.node === INPUTS) {
    return innerInput(document, catalogue, end.socket)?.type ?? ANY_TYPE;
  }
  const record = document.nodes[end.node];
  const info = record ? catalogue.get(record.type) : undefined;
  if (record === undefined || info === undefined) return ANY_TYPE;
  const inner = containerOf(record.type) ? bodyView(record) : undefined;
  if (inner) return innerOutputType(inner, catalogue, end.socket) ?? ANY_TYPE;
  return info.outputs.find((output) => output.name === end.socket)?.type ?? info.dynamic_outputs ?? ANY_TYPE;
}

/** The description of an input by its name in the document; also for `items.3`. */
export function inputInfo(info: NodeTypeInfo | undefined, name: string): InputInfo | undefined {
  const exact = info?.inputs.find((input) => input.name === name);
  if (exact) return exact;
  const head = name.slice(0, Math.max(0, name.indexOf(".")));
  return info?.inputs.find((input) => input.variadic !== "" && input.name === head);
}

/** The type of an input of a placed node. */
export function inputType(document: WorkflowDocument, catalogue: Catalogue, end: SocketRef): TypeInfo {
  if (end.node === OUTPUTS) {
    const wire = document.edges.find((edge) => edge.to.node === OUTPUTS && edge.to.socket === end.socket);
    return wire && wire.from.node !== INPUTS ? outputType(document, catalogue, wire.from) : ANY_TYPE;
  }
  const record = document.nodes[end.node];
  return (record && inputInfoOf(record, catalogue, end.socket)?.type) ?? ANY_TYPE;
}

/**
 * The value that counts for an input without a wire: the one set, else the default. What a sub-graph shows on its face
 * is the inner node's value.
 */
export function valueOf(record: NodeRecord, info: InputInfo | undefined, name: string): NodeRecord["values"][string] {
  const value = record.values[name];
  if (value !== undefined) return value;
  const face = faceName(record, name);
  const inner = face === undefined ? undefined : bodyView(record);
  const wire = inner?.edges.find((edge) => edge.from.node === INPUTS && edge.from.socket === face);
  const home = wire && inner?.nodes[wire.to.node];
  return wire && home ? valueOf(home, info, wire.to.socket) : (info?.default ?? null);
}
