/**
 * The one way in which a document is written to a file: the same text as `engine/document/normal_form.py` writes, so that a
 * workflow saved here and one saved on the command line differ only where they mean something else.
 */

import type { JsonObject, JsonValue } from "./document";

const ORDER = ["format", "version", "meta", "inputs", "nodes", "edges", "requires", "record"];
const LAST = "layout";
const SPREAD = new Set(["", "meta", "inputs", "nodes", "nodes/*", "nodes/*/values", "edges", "requires", "record", "record/steps", "layout", "layout/nodes"]);
const WIDTH = 110;
const DEEPEST = 16;
const STEP = "  ";

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** Sorts `node2` before `node10`. */
export function natural(left: string, right: string): number {
  const [a, b] = [left.split(/([0-9]+)/), right.split(/([0-9]+)/)];
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const [one, two] = [a[at] as string, b[at] as string];
    const order = at % 2 === 1 ? compare(BigInt(one), BigInt(two)) : compare(one, two);
    if (order !== 0) return order;
  }
  return a.length - b.length || compare(left, right);
}

const compare = <T extends string | bigint>(left: T, right: T): number => (left < right ? -1 : left > right ? 1 : 0);

const pick = (source: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (source[name] === undefined ? [] : [[name, source[name]]])));

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return sortedWith(value, sorted);
}

function sortedWith(value: JsonObject, each: (part: JsonValue) => JsonValue): JsonObject {
  const names = Object.keys(value).sort(natural);
  return Object.fromEntries(names.map((name) => [name, each(value[name] as JsonValue)]));
}

function node(value: JsonValue): JsonValue {
  if (!isObject(value)) return value;
  const { type, title, mode, values, ...rest } = value;
  const head = pick({ type, title, mode } as JsonObject, ["type", "title", "mode"]);
  return { ...head, ...(sorted(rest) as JsonObject), ...(values === undefined ? {} : { values: sorted(values) }) };
}

function edge(value: JsonValue): JsonValue {
  if (!isObject(value)) return value;
  const { from, to, ...rest } = value;
  return { ...pick({ from, to } as JsonObject, ["from", "to"]), ...(sorted(rest) as JsonObject) };
}

const ends = (value: JsonValue): string[] =>
  isObject(value) && Array.isArray(value.to) && Array.isArray(value.from) ? [...value.to, ...value.from].map(String) : [];

function byEnds(left: JsonValue, right: JsonValue): number {
  const [a, b] = [ends(left), ends(right)];
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = natural(a[at] as string, b[at] as string);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** An input of the workflow, without an empty label or explanation. */
function declared(value: JsonValue): JsonValue {
  if (!isObject(value)) return value;
  return sorted(Object.fromEntries(Object.entries(value).filter(([name, item]) => item !== "" || (name !== "label" && name !== "doc"))));
}

function part(name: string, value: JsonValue): JsonValue {
  if (name === "edges" && Array.isArray(value)) return value.map(edge).sort(byEnds);
  if (!isObject(value)) return sorted(value);
  if (name === "nodes") return sortedWith(value, node);
  if (name === "inputs") return Object.fromEntries(Object.entries(value).map(([input, item]) => [input, declared(item)]));
  if (name === "meta") return { ...pick(value, ["title", "description"]), ...without(sorted(value) as JsonObject, ["title", "description"]) };
  return sorted(value);
}

const without = (source: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(source).filter(([name]) => !names.includes(name)));

const isEmpty = (value: JsonValue): boolean => (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);

/** A document's data with everything in its place, without empty parts. */
export function inOrder(data: JsonObject): JsonObject {
  const rest = Object.keys(data).filter((name) => !ORDER.includes(name) && name !== LAST).sort();
  const names = [...ORDER, ...rest, LAST].filter((name) => data[name] !== undefined);
  const parts = names.map((name): [string, JsonValue] => [name, part(name, data[name] as JsonValue)]);
  return Object.fromEntries(parts.filter(([name, value]) => name === "nodes" || !isEmpty(value)));
}

/** A document as text for a file. */
export function writeNormal(data: JsonObject): string {
  return `${written(inOrder(data), "", "", 0)}\n`;
}

/** JSON on one line with a space after commas and colons. */
function line(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(line).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${line(item)}`).join(", ")}}`;
}

function written(value: JsonValue, place: string, pad: string, used: number): string {
  if (typeof value !== "object" || value === null || isEmpty(value) || pad.length > DEEPEST * STEP.length) return line(value);
  if (!SPREAD.has(place)) {
    const short = line(value);
    if (used + [...short].length <= WIDTH) return short;
  }
  const inner = pad + STEP;
  if (Array.isArray(value)) {
    const rows = value.map((item) => inner + written(item, `${place}/-`, inner, inner.length));
    return `[\n${rows.join(",\n")}\n${pad}]`;
  }
  const rows = Object.entries(value).map(([name, item]) => {
    const head = `${inner}${JSON.stringify(name)}: `;
    return head + written(item, below(place, name), inner, [...head].length);
  });
  return `{\n${rows.join(",\n")}\n${pad}}`;
}

function below(place: string, name: string): string {
  if (place === "") return name;
  return place === "nodes" ? "nodes/*" : `${place}/${name}`;
}
