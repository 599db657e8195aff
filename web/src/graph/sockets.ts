/** The sockets of a placed node: its type's, one more for every variadic input, and what a ghost node is known to have. */

import type { InputInfo, NodeTypeInfo, OutputInfo, TypeInfo, WidgetInfo } from "../api/protocol";
import { ANY_TYPE } from "./compatibility";
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

/** All sockets of a node, in the order in which they are shown. */
export function socketsOf(record: NodeRecord, wiring: Wiring, id: NodeId, catalogue: Catalogue): Sockets {
  const info = catalogue.get(record.type);
  const wired = edgesInto(wiring, id).map((edge) => edge.to.socket);
  const read = edgesOutOf(wiring, id).map((edge) => edge.from.socket);
  if (info === undefined) return ghostSockets(record, wired, read);
  const used = new Set([...wired, ...Object.keys(record.values)]);
  const inputs = info.inputs.flatMap((input) => (input.variadic ? variadicSockets(input, used) : [plain(input)]));
  return { inputs, outputs: outputsOf(info, read), ghost: false };
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

/** The type of an output of a placed node. */
export function outputType(document: WorkflowDocument, catalogue: Catalogue, end: SocketRef): TypeInfo {
  const record = document.nodes[end.node];
  const info = record ? catalogue.get(record.type) : undefined;
  if (info === undefined) return ANY_TYPE;
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
  const record = document.nodes[end.node];
  return inputInfo(record ? catalogue.get(record.type) : undefined, end.socket)?.type ?? ANY_TYPE;
}

/** The value that counts for an input without a wire: the one set, else the default. */
export function valueOf(record: NodeRecord, info: InputInfo | undefined, name: string): NodeRecord["values"][string] {
  const value = record.values[name];
  return value === undefined ? (info?.default ?? null) : value;
}
