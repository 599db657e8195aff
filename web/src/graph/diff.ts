/**
 * What differs between two documents: for versions, for two runs, before taking something over.
 *
 * The same changes as `engine/document/diff.py` finds (`tests/documents/diffs.json` holds both to it): meaning first, then what
 * only people see. A node that got another name and nothing else is one change.
 */

import { edgeId, type Edge, type JsonObject, type JsonValue, type NodeId, type NodeRecord, type WorkflowDocument } from "./document";
import { natural } from "./normalForm";
import { layoutJson, nodeJson } from "./serialise";

export type Part = "meaning" | "form" | "about" | "requires" | "layout";

export interface Change {
  /** `meaning` is what decides the result; the others are for people. */
  readonly part: Part;
  readonly kind: "added" | "removed" | "renamed" | "changed" | "rewired";
  /** By its name after the change; empty where the change is the document's. */
  readonly node: NodeId;
  readonly type: string;
  /** What of it: an input, `mode`, `title`, or a path such as `body.nodes.add.values.b`. */
  readonly place: string;
  /** Values, or ends of wires as `node.output`; undefined where there is none. */
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

type Data = Readonly<Record<string, JsonValue | undefined>>;
type Names = ReadonlyMap<NodeId, NodeId>;

/** Every difference, changes of meaning first, in the order of the nodes' names. */
export function diffDocuments(before: WorkflowDocument, after: WorkflowDocument): readonly Change[] {
  const renamed = renamedNodes(before, after);
  const oldName = new Map([...renamed].map(([old, name]) => [name, old]));
  const changes: Change[] = [...renamed]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([old, name]) => ({ part: "meaning", kind: "renamed", node: name, type: after.nodes[name]?.type ?? "", place: "", before: old, after: name }));
  const names = new Set([...Object.keys(after.nodes), ...Object.keys(before.nodes).map((name) => renamed.get(name) ?? name)]);
  for (const name of [...names].sort(natural)) {
    changes.push(...nodeChanges(name, before.nodes[oldName.get(name) ?? name], after.nodes[name]));
  }
  changes.push(...wireChanges(withNames(before, renamed), after));
  const meaning = changes.filter((change) => change.part === "meaning");
  const [oldOrder, newOrder] = [Object.keys(before.inputs), Object.keys(after.inputs)];
  const reordered = oldOrder.join("\n") !== newOrder.join("\n") && [...oldOrder].sort().join("\n") === [...newOrder].sort().join("\n");
  return [
    ...meaning,
    ...changes.filter((change) => change.part !== "meaning"),
    ...dataChanges("form", inputsOf(before), inputsOf(after)),
    ...(reordered ? [documentChange("form", "changed", "order", oldOrder, newOrder)] : []),
    ...dataChanges("about", before.meta, after.meta),
    ...dataChanges("about", extraOf(before), extraOf(after)),
    ...requiresChanges(requiredBy(before), requiredBy(after)),
    ...dataChanges("layout", placesOf(withNames(before, renamed)), placesOf(after)),
  ];
}

/** The document with its nodes under other names. */
export function withNames(document: WorkflowDocument, names: Names): WorkflowDocument {
  if (names.size === 0) return document;
  const named = (id: NodeId): NodeId => names.get(id) ?? id;
  const keyed = <T>(record: Readonly<Record<NodeId, T>>): Record<NodeId, T> => Object.fromEntries(Object.entries(record).map(([id, item]) => [named(id), item]));
  const edges = document.edges.map((edge): Edge => ({ ...edge, from: { ...edge.from, node: named(edge.from.node) }, to: { ...edge.to, node: named(edge.to.node) } }));
  return { ...document, nodes: keyed(document.nodes), edges, layout: { ...document.layout, nodes: keyed(document.layout.nodes) } };
}

function nodeChanges(name: NodeId, old: NodeRecord | undefined, now: NodeRecord | undefined): Change[] {
  if (old === now) return [];
  if (old === undefined || now === undefined) {
    const record = (now ?? old) as NodeRecord;
    const side = { [old === undefined ? "after" : "before"]: nodeJson(record) };
    return [{ part: "meaning", kind: old === undefined ? "added" : "removed", node: name, type: record.type, place: "", ...side }];
  }
  const changed = (part: Part, [place, before, after]: Difference): Change => ({ part, kind: "changed", node: name, type: now.type, place, ...sides(before, after) });
  const found: Change[] = [];
  if (old.type !== now.type) found.push(changed("meaning", ["type", old.type, now.type]));
  if (old.mode !== now.mode) found.push(changed("meaning", ["mode", old.mode, now.mode]));
  for (const difference of differences(old.values, now.values)) found.push(changed("meaning", difference));
  if ((old.title ?? "") !== (now.title ?? "")) found.push(changed("about", ["title", old.title || undefined, now.title || undefined]));
  for (const difference of differences(old.extra ?? {}, now.extra ?? {})) found.push(changed("about", difference));
  return found;
}

/** Wires into nodes that are in both; those of a new or removed node come and go with it. */
function wireChanges(before: WorkflowDocument, after: WorkflowDocument): Change[] {
  const starts = (document: WorkflowDocument): Map<string, string> =>
    new Map(document.edges.map((edge) => [edgeId(edge), `${edge.from.node}.${edge.from.socket}`]));
  const [left, right] = [starts(before), starts(after)];
  const ends = new Map([...before.edges, ...after.edges].map((edge) => [edgeId(edge), edge.to]));
  const inOrder = [...ends].sort(([, a], [, b]) => natural(a.node, b.node) || natural(a.socket, b.socket));
  return inOrder.flatMap(([id, to]): Change[] => {
    const [old, now] = [left.get(id), right.get(id)];
    const record = after.nodes[to.node];
    if (old === now || record === undefined || !(to.node in before.nodes)) return [];
    return [{ part: "meaning", kind: "rewired", node: to.node, type: record.type, place: to.socket, ...sides(old, now) }];
  });
}

const sides = (before: JsonValue | undefined, after: JsonValue | undefined): Pick<Change, "before" | "after"> => ({
  ...(before === undefined ? {} : { before }),
  ...(after === undefined ? {} : { after }),
});

const documentChange = (part: Part, kind: Change["kind"], place: string, before: JsonValue | undefined, after: JsonValue | undefined): Change => ({
  part,
  kind,
  node: "",
  type: "",
  place,
  ...sides(before, after),
});

const dataChange = (part: Part, [place, left, right]: Difference): Change =>
  documentChange(part, left === undefined ? "added" : right === undefined ? "removed" : "changed", place, left, right);

const dataChanges = (part: Part, before: Data, after: Data): Change[] => differences(before, after).map((found) => dataChange(part, found));

/** What a document requires, one entry per plugin, model and file: `plugins.NAME`, `models.NODE.INPUT`. */
function requiredBy({ requires }: WorkflowDocument): Data {
  return Object.fromEntries(
    Object.entries(requires).flatMap(([group, entries]): [string, JsonValue | undefined][] => {
      const named = isData(entries) ? Object.entries(entries) : [];
      return named.length > 0 ? named.map(([name, entry]) => [`${group}.${name}`, entry]) : [[group, entries]];
    }),
  );
}

const requiresChanges = (before: Data, after: Data): Change[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort(natural)
    .filter((place) => oneText(before[place]) !== oneText(after[place]))
    .map((place) => dataChange("requires", [place, before[place], after[place]]));

type Difference = readonly [place: string, before: JsonValue | undefined, after: JsonValue | undefined];

const isData = (value: unknown): value is Data => typeof value === "object" && value !== null && !Array.isArray(value);

/** Where two objects differ, as deep as both are objects. Not recursive: bodies are nested as deep as people like. */
function differences(before: Data, after: Data): Difference[] {
  const found: Difference[] = [];
  const stack: Difference[] = [["", before as JsonObject, after as JsonObject]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [place, left, right] = top;
    if (!isData(left) || !isData(right)) {
      if (oneText(left) !== oneText(right)) found.push(top);
      continue;
    }
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort(natural).reverse();
    for (const name of names) {
      if (left[name] !== right[name] || !(name in left) || !(name in right)) stack.push([place === "" ? name : `${place}.${name}`, left[name], right[name]]);
    }
  }
  return found;
}

/** The same text for equal values, whatever the order of names. */
function oneText(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  return JSON.stringify(value, (_, part: unknown) => (isData(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

const inputsOf = (document: WorkflowDocument): Data =>
  Object.fromEntries(Object.entries(document.inputs).map(([name, input]) => [name, { label: "", doc: "", ...input }]));

/** The record of a run says what was computed, not what will be. */
const extraOf = (document: WorkflowDocument): Data => Object.fromEntries(Object.entries(document.extra ?? {}).filter(([name]) => name !== "record"));

function placesOf(document: WorkflowDocument): Data {
  return Object.fromEntries(Object.entries(layoutJson(document.layout)).filter(([name]) => name !== "viewport"));
}

/** Nodes that are gone and came back under another name: the same apart from it, and only where there is no choice. */
export function renamedNodes(before: WorkflowDocument, after: WorkflowDocument): Names {
  const gone = new Set(Object.keys(before.nodes).filter((name) => !(name in after.nodes)));
  const come = new Set(Object.keys(after.nodes).filter((name) => !(name in before.nodes)));
  if (gone.size === 0 || come.size === 0) return new Map();
  const [old, now] = [singlePrints(before, gone), singlePrints(after, come)];
  return new Map([...old].flatMap(([print, name]): [NodeId, NodeId][] => (now.has(print) ? [[name, now.get(print) ?? ""]] : [])));
}

/** Nodes by what they are apart from their name; only those of which there is one. Candidates count by their type. */
function singlePrints(document: WorkflowDocument, names: ReadonlySet<NodeId>): Map<string, NodeId> {
  const ends = new Map<NodeId, string[]>([...names].map((name) => [name, []]));
  const other = (id: NodeId): string => (names.has(id) ? `(${document.nodes[id]?.type ?? ""})` : id);
  for (const { from, to } of document.edges) {
    ends.get(to.node)?.push(`${to.socket}<${other(from.node)}.${from.socket}`);
    ends.get(from.node)?.push(`${from.socket}>${other(to.node)}.${to.socket}`);
  }
  const counted = new Map<string, NodeId[]>();
  for (const [name, around] of ends) {
    const print = oneText([nodeJson(document.nodes[name] as NodeRecord), around.sort()]);
    counted.set(print, [...(counted.get(print) ?? []), name]);
  }
  return new Map([...counted].flatMap(([print, [name, more]]): [string, NodeId][] => (name !== undefined && more === undefined ? [[print, name]] : [])));
}
