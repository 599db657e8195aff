/** Where values live, and where they come from, through the walls of sub-graphs. Each has one home: the inner node. */

import { INPUTS, OUTPUTS, SUBGRAPH, bodyView, boundaryNames, containerOf, pathOf, viewAt, type Scope } from "./bodies";
import type { NodeRecord, SocketRef, WorkflowDocument } from "./document";


/** An input by its place: inside of which nodes, of which node. */
export interface Home extends SocketRef {
  readonly scope: Scope;
}

/** Where the value of an input lives: there, or, for a socket on the face of a sub-graph, at the inner nodes. */
export function homesOf(view: WorkflowDocument, end: SocketRef): readonly Home[] {
  const found: Home[] = [];
  const open: { scope: Scope; view: WorkflowDocument; end: SocketRef }[] = [{ scope: [], view, end }];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    const { scope, end: at } = here;
    const record = here.view.nodes[at.node];
    const name = faceName(record, at.socket);
    const inner = name === undefined ? undefined : bodyView(record);
    if (inner === undefined) found.push({ scope, node: at.node, socket: at.socket });
    else {
      const ends = inner.edges.filter((edge) => edge.from.node === INPUTS && edge.from.socket === name);
      for (const edge of [...ends].reverse()) open.push({ scope: [...scope, at.node], view: inner, end: edge.to });
    }
  }
  return found;
}

/** The inner name behind a socket on the face of a sub-graph; undefined for a socket with a value of its own. */
export function faceName(record: NodeRecord | undefined, socket: string): string | undefined {
  if (record?.type !== SUBGRAPH) return undefined;
  const prefix = containerOf(SUBGRAPH)?.prefix ?? "";
  return socket.startsWith(prefix) ? socket.slice(prefix.length) : undefined;
}

/** The ordinary output behind an output, through the walls of sub-graphs, by its path. */
export function originOf(document: WorkflowDocument, scope: Scope, end: SocketRef): SocketRef {
  let here = { scope, end };
  for (;;) {
    const view = viewAt(document, here.scope);
    const { node, socket } = here.end;
    const asItIs = { node: pathOf(here.scope, node), socket };
    if (node === INPUTS) {
      const [outside, id] = [here.scope.slice(0, -1), here.scope.at(-1) ?? ""];
      const outer = viewAt(document, outside);
      const container = containerOf(outer?.nodes[id]?.type ?? "");
      const wire = outer?.edges.find((edge) => edge.to.node === id && edge.to.socket === `${container?.prefix ?? ""}${socket}`);
      if (!wire || container?.loop) return asItIs;
      here = { scope: outside, end: wire.from };
    } else {
      const record = view?.nodes[node];
      const inner = record?.type === SUBGRAPH ? bodyView(record) : undefined;
      const wire = inner?.edges.find((edge) => edge.to.node === OUTPUTS && edge.to.socket === socket);
      if (!wire) return asItIs;
      here = { scope: [...here.scope, node], end: wire.from };
    }
  }
}

/** All inputs that share the value of this one, because one input of the sub-graph feeds them. */
export function sharers(view: WorkflowDocument, end: SocketRef): readonly SocketRef[] {
  if (view.nodes[INPUTS] === undefined || view.nodes[INPUTS].values.loop === true) return [end];
  const wire = view.edges.find((edge) => edge.to.node === end.node && edge.to.socket === end.socket);
  if (wire?.from.node !== INPUTS) return [end];
  return view.edges.filter((edge) => edge.from.node === INPUTS && edge.from.socket === wire.from.socket).map((edge) => edge.to);
}

/** The inputs of a sub-graph to which no wire leads from outside: inside, their values can be set. */
export function openInputs(document: WorkflowDocument, scope: Scope): ReadonlySet<string> {
  let open: ReadonlySet<string> = new Set();
  for (let depth = 0; depth < scope.length; depth += 1) {
    const outer = viewAt(document, scope.slice(0, depth));
    const id = scope[depth] ?? "";
    const record = outer?.nodes[id];
    if (!outer || record?.type !== SUBGRAPH) {
      open = new Set();
      continue;
    }
    const names = boundaryNames(bodyView(record)?.nodes[INPUTS]);
    const { prefix } = containerOf(SUBGRAPH) ?? { prefix: "" };
    const wires = new Map(outer.edges.filter((edge) => edge.to.node === id).map((edge) => [edge.to.socket, edge.from]));
    const before = open;
    open = new Set(
      names.filter((name) => {
        const from = wires.get(prefix + name);
        return from === undefined || (from.node === INPUTS && before.has(from.socket));
      }),
    );
  }
  return open;
}
