/**
 * The one reader of workflow files: whatever is opened, dropped, pasted or recovered passes here.
 *
 * It never throws away what it does not understand (unknown fields travel in `extra`) and never lets a malformed part
 * reach the editor (a position that is no number, a wire without ends). What it had to repair is reported.
 */

import {
  EMPTY_DOCUMENT,
  edgeId,
  type Edge,
  type Group,
  type JsonObject,
  type JsonValue,
  type Layout,
  type NodeLayout,
  type NodeRecord,
  type Note,
  type SocketRef,
  type WorkflowDocument,
  type WorkflowInput,
} from "./document";

export const FORMAT = "kinograph-workflow";
export const VERSION = 1;

export class NotAWorkflow extends Error {}

export interface Normalised {
  readonly document: WorkflowDocument;
  /** What was repaired, in plain words. */
  readonly repairs: readonly string[];
}

type Raw = Record<string, unknown>;

const isObject = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const finite = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

function rest(raw: Raw, known: readonly string[]): JsonObject | undefined {
  const extra = Object.fromEntries(Object.entries(raw).filter(([name]) => !known.includes(name)));
  return Object.keys(extra).length > 0 ? (extra as JsonObject) : undefined;
}

function withExtra<T extends object>(value: T, extra: JsonObject | undefined): T {
  return extra === undefined ? value : { ...value, extra };
}

/** Read text that somebody pasted or dropped. */
export function parseWorkflowText(source: string): Normalised {
  let data: unknown;
  try {
    data = JSON.parse(source);
  } catch {
    throw new NotAWorkflow("This is not JSON.");
  }
  return normalise(data);
}

/** Read data into a document. Throws `NotAWorkflow` where it is something else altogether. */
export function normalise(data: unknown): Normalised {
  if (!isObject(data)) throw new NotAWorkflow("A workflow is a JSON object.");
  if (data.format !== FORMAT) {
    const comfy = "last_node_id" in data || Object.values(data).some((part) => isObject(part) && "class_type" in part);
    throw new NotAWorkflow(
      comfy ? "This is a ComfyUI workflow, which Kinograph does not read." : `This is not a Kinograph workflow ("format" is not "${FORMAT}").`,
    );
  }
  if (typeof data.version === "number" && data.version > VERSION) {
    throw new NotAWorkflow(`This workflow was made by a newer Kinograph (format ${data.version}).`);
  }
  const repairs: string[] = [];
  const nodes = readNodes(data.nodes, repairs);
  const known = ["format", "version", "nodes", "edges", "layout", "inputs", "requires", "meta"];
  const document: WorkflowDocument = {
    ...EMPTY_DOCUMENT,
    nodes,
    edges: readEdges(data.edges, nodes, repairs),
    layout: readLayout(data.layout, nodes),
    inputs: readInputs(data.inputs),
    requires: isObject(data.requires) ? (data.requires as JsonObject) : {},
    meta: isObject(data.meta) ? (data.meta as JsonObject) : {},
  };
  return { document: withExtra(document, rest(data, known)), repairs };
}

function readNodes(raw: unknown, repairs: string[]): Record<string, NodeRecord> {
  if (!isObject(raw)) return {};
  const nodes: Record<string, NodeRecord> = {};
  for (const [id, value] of Object.entries(raw)) {
    if (!isObject(value) || typeof value.type !== "string") {
      repairs.push(`Node ${id} has no type and was left out.`);
      continue;
    }
    const mode = value.mode === "bypass" || value.mode === "mute" ? value.mode : undefined;
    const record: NodeRecord = {
      type: value.type,
      values: isObject(value.values) ? (value.values as Record<string, JsonValue>) : {},
      ...(text(value.title) === undefined ? {} : { title: text(value.title) }),
      ...(mode === undefined ? {} : { mode }),
    };
    nodes[id] = withExtra(record, rest(value, ["type", "values", "title", "mode"]));
  }
  return nodes;
}

function readEnd(raw: unknown): SocketRef | undefined {
  if (!Array.isArray(raw) || typeof raw[0] !== "string" || typeof raw[1] !== "string") return undefined;
  return { node: raw[0], socket: raw[1] };
}

function readEdges(raw: unknown, nodes: Record<string, NodeRecord>, repairs: string[]): Edge[] {
  const edges = new Map<string, Edge>();
  for (const value of Array.isArray(raw) ? raw : []) {
    const from = isObject(value) ? readEnd(value.from) : undefined;
    const to = isObject(value) ? readEnd(value.to) : undefined;
    if (from === undefined || to === undefined || !(from.node in nodes) || !(to.node in nodes)) {
      repairs.push("A wire without two ends was left out.");
      continue;
    }
    const edge = withExtra<Edge>({ from, to }, rest(value as Raw, ["from", "to"]));
    if (edges.has(edgeId(edge))) repairs.push(`${to.node}.${to.socket} had two wires; the last one counts.`);
    edges.set(edgeId(edge), edge);
  }
  return [...edges.values()];
}

function readNodeLayout(raw: unknown): NodeLayout | undefined {
  if (!isObject(raw)) return undefined;
  const x = finite(raw.x);
  const y = finite(raw.y);
  if (x === undefined || y === undefined) return undefined;
  const layout: NodeLayout = {
    x,
    y,
    ...(finite(raw.width) === undefined ? {} : { width: finite(raw.width) }),
    ...(raw.collapsed === true ? { collapsed: true } : {}),
    ...(raw.advanced === true ? { advanced: true } : {}),
    ...(text(raw.color) === undefined ? {} : { color: text(raw.color) }),
  };
  return withExtra(layout, rest(raw, ["x", "y", "width", "collapsed", "advanced", "color"]));
}

function readBoxes<T extends Group | Note>(raw: unknown, field: "title" | "text"): T[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((value: unknown) => {
    if (!isObject(value) || typeof value.id !== "string") return [];
    const [x, y] = [finite(value.x), finite(value.y)];
    if (x === undefined || y === undefined) return [];
    const box = { ...value, x, y, width: finite(value.width) ?? 320, height: finite(value.height) ?? 160, [field]: text(value[field]) ?? "" };
    return [box as unknown as T];
  });
}

function readLayout(raw: unknown, nodes: Record<string, NodeRecord>): Layout {
  const source = isObject(raw) ? raw : {};
  const places: Record<string, NodeLayout> = {};
  for (const [id, value] of Object.entries(isObject(source.nodes) ? source.nodes : {})) {
    const place = readNodeLayout(value);
    if (place !== undefined && id in nodes) places[id] = place;
  }
  const view = isObject(source.viewport) ? source.viewport : {};
  const [x, y, zoom] = [finite(view.x), finite(view.y), finite(view.zoom)];
  const layout: Layout = {
    nodes: places,
    groups: readBoxes<Group>(source.groups, "title"),
    notes: readBoxes<Note>(source.notes, "text"),
    ...(x === undefined || y === undefined || zoom === undefined || zoom <= 0 ? {} : { viewport: { x, y, zoom } }),
  };
  return withExtra(layout, rest(source, ["nodes", "groups", "notes", "viewport"]));
}

function readInputs(raw: unknown): Record<string, WorkflowInput> {
  const inputs: Record<string, WorkflowInput> = {};
  for (const [name, value] of Object.entries(isObject(raw) ? raw : {})) {
    if (!isObject(value) || typeof value.node !== "string" || typeof value.socket !== "string") continue;
    inputs[name] = { ...value, node: value.node, socket: value.socket, label: text(value.label) ?? "" };
  }
  return inputs;
}
