/** Changes in sentences. */

import type { Change, Part } from "../../graph/diff";
import type { JsonObject, JsonValue } from "../../graph/document";
import type { MessageKey } from "../../i18n";

const LONGEST = 300;
const SHORT = 60;
const FEW = 6;

/** A value in a line; bodies of sub-graphs are whole documents, of which only the beginning is read. */
export function shortValue(value: JsonValue | undefined, most = LONGEST): string {
  if (value === undefined || value === null) return "–";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** A plugin, model or file that a document requires, in a line: `1.0 (0a1b2c3d)`. */
export function requirementText(entry: JsonValue | undefined): string {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return shortValue(entry, SHORT);
  const text = (name: string, most = SHORT): string => (typeof entry[name] === "string" ? entry[name].slice(0, most) : "");
  const aside = text("family") || text("code", 8);
  const parts = [text("name") || text("version"), aside && `(${aside})`, text("sha256", 12) || text("digest", 12)];
  return parts.filter(Boolean).join(" ") || shortValue(entry, SHORT);
}

/** A side of a change as it is shown. */
export const sideText = (change: Change, side: JsonValue | undefined): string =>
  change.part === "requires" ? requirementText(side) : shortValue(side);

export interface Sentence {
  /** The node or place that it is about. */
  readonly about: string;
  /** What happened; undefined where a value took the place of another, which is shown and not said. */
  readonly says?: { readonly key: MessageKey; readonly fill: Readonly<Record<string, string>> };
}

const ends = (change: Change): Readonly<Record<string, string>> => ({ place: change.place, before: shortValue(change.before), after: shortValue(change.after) });

/** What a change is called in words. */
export function sentenceOf(change: Change): Sentence {
  const { kind, node, place, before, after } = change;
  if (kind === "renamed") return { about: node, says: { key: "diff.renamed", fill: ends(change) } };
  if (kind === "rewired") {
    const key = before === undefined ? "diff.wired" : after === undefined ? "diff.unwired" : "diff.rewired";
    return { about: node, says: { key, fill: ends(change) } };
  }
  if (kind === "changed") return { about: [node, place].filter(Boolean).join(".") };
  const about = node || place;
  if (node !== "") {
    const settings = kind === "added" ? settingsOf(after) : "";
    return { about, says: { key: kind === "removed" ? "diff.removed" : settings === "" ? "diff.added" : "diff.addedWith", fill: { settings } } };
  }
  const item = after ?? before;
  const value = change.part === "requires" ? requirementText(item) : change.part === "form" && isInput(item) ? `${item.node}.${item.socket}` : shortValue(item, SHORT);
  return { about, says: { key: kind === "added" ? "diff.dataAdded" : "diff.dataRemoved", fill: { value } } };
}

const isInput = (item: JsonValue | undefined): item is JsonObject & { node: string; socket: string } =>
  typeof item === "object" && item !== null && !Array.isArray(item) && typeof item.node === "string" && typeof item.socket === "string";

function settingsOf(node: JsonValue | undefined): string {
  const values = typeof node === "object" && node !== null && !Array.isArray(node) ? node.values : undefined;
  if (typeof values !== "object" || values === null || Array.isArray(values)) return "";
  const named = Object.entries(values);
  const said = named.slice(0, FEW).map(([name, value]) => `${name} ${shortValue(value, SHORT)}`);
  return [...said, ...(named.length > FEW ? ["…"] : [])].join(", ");
}

/** Parts in the order in which they are told; the layout is only counted. */
export const PARTS: readonly Exclude<Part, "layout">[] = ["meaning", "form", "about", "requires"];
