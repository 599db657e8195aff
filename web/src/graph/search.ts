/** Find node types by what a person types: name, words of it, synonyms, category, socket types. */

import type { NodeTypeInfo, TypeInfo } from "../api/protocol";
import { containerOf } from "./bodies";
import { fit } from "./compatibility";
import { wantedBy, type Wanted } from "./synonyms";

/** A wire in the hand: which end is missing, and what it carries. */
export interface WireEnd {
  readonly side: "input" | "output";
  readonly type: TypeInfo;
}

export interface Found {
  readonly info: NodeTypeInfo;
  /** The socket that the wire in the hand would take. */
  readonly socket: string | undefined;
}

interface Indexed {
  readonly info: NodeTypeInfo;
  readonly title: string;
  readonly words: readonly string[];
  readonly rest: string;
}

/** What a synonym counts beside the word itself. */
const MEANT = 0.9;
/** Nodes that only set options of others come after those: who types "decode" wants the decoder. */
const OPTIONS = { of: /Options$/, penalty: 25 };

const index = new WeakMap<NodeTypeInfo, Indexed>();

function indexed(info: NodeTypeInfo): Indexed {
  const known = index.get(info);
  if (known) return known;
  const title = info.title.toLowerCase();
  const sockets = [...info.inputs, ...info.outputs].map((socket) => `${socket.name} ${socket.type.name}`);
  const words = [title, info.id.toLowerCase(), ...info.keywords.map((word) => word.toLowerCase())].flatMap((part) =>
    part.split(/[\s._-]+/),
  );
  const rest = [info.id, info.category, info.plugin, info.summary, ...info.keywords, ...sockets].join(" ").toLowerCase();
  const entry = { info, title, words, rest };
  index.set(info, entry);
  return entry;
}

function subsequence(needle: string, haystack: string): boolean {
  let at = 0;
  for (const character of needle) {
    at = haystack.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

function termScore(entry: Indexed, term: string): number {
  if (entry.title === term) return 100;
  if (entry.title.startsWith(term)) return 80;
  if (entry.words.some((word) => word.startsWith(term))) return 60;
  if (entry.title.includes(term)) return 40;
  if (entry.rest.includes(term)) return 20;
  if (term.length >= 3 && subsequence(term, entry.info.id.toLowerCase())) return 5;
  return 0;
}

/** How well an entry answers what is wanted: by the typed word, or a little less by a word that means it. */
function wantedScore(entry: Indexed, [typed = "", ...meant]: Wanted): number {
  return Math.max(termScore(entry, typed), ...meant.map((word) => termScore(entry, word) * MEANT));
}

/** The first socket of a type that takes the wire in the hand; exact types before `Any`. */
export function socketFor(info: NodeTypeInfo, wire: WireEnd): string | undefined {
  const candidates =
    wire.side === "input"
      ? info.inputs.filter((input) => fit(wire.type, input.type) !== undefined)
      : info.outputs.filter((output) => fit(output.type, wire.type) !== undefined);
  const best = candidates.find((socket) => socket.type.name === wire.type.name) ?? candidates.find((socket) => socket.type.classes.length > 0) ?? candidates[0];
  if (best === undefined) return undefined;
  const variadic = "variadic" in best && best.variadic !== "";
  return variadic ? `${best.name}.0` : best.name;
}

/** Types that answer the query, best first. With a wire in the hand only those that take it. */
export function searchTypes(types: readonly NodeTypeInfo[], query: string, wire?: WireEnd): readonly Found[] {
  const wanted = wantedBy(query);
  const found = types.flatMap((info) => {
    if (wire && containerOf(info.id)) return []; // without an inside it has no socket yet
    const socket = wire ? socketFor(info, wire) : undefined;
    if (wire && socket === undefined) return [];
    const entry = indexed(info);
    const scores = wanted.map((words) => wantedScore(entry, words));
    if (scores.includes(0)) return [];
    const penalty = (info.deprecated ? 50 : 0) + (info.experimental ? 1 : 0) + (OPTIONS.of.test(info.id) ? OPTIONS.penalty : 0);
    const exact = wire && socketTypeName(info, socket) === wire.type.name ? 10 : 0;
    return [{ info, socket, score: scores.reduce((sum, score) => sum + score, 0) + exact - penalty }];
  });
  return found.sort((left, right) => right.score - left.score || left.info.title.localeCompare(right.info.title));
}

function socketTypeName(info: NodeTypeInfo, socket: string | undefined): string | undefined {
  const head = socket?.split(".")[0];
  return [...info.inputs, ...info.outputs].find((candidate) => candidate.name === head || candidate.name === socket)?.type.name;
}
