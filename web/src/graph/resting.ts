/** What of a document can run as it is, although plugins are missing here and some nodes are not finished. */

import { allViews, findPath, isBoundary, pathOf, within } from "./bodies";
import { upstreamOf } from "./clipboard";
import type { NodeId, WorkflowDocument } from "./document";
import type { Catalogue } from "./sockets";
import type { Mistake } from "./validate";

export interface Runnable {
  /** The nodes to run, with what they need; undefined for everything. */
  readonly targets: readonly NodeId[] | undefined;
  /** By path: nodes of unknown types, what needs one for its result, and unfinished nodes that no result needs. */
  readonly resting: ReadonlySet<string>;
}

const EVERYTHING: Runnable = { targets: undefined, resting: new Set() };

/** What runs when Run is pressed. Where no result could come without a missing node, everything: the refusal says why. */
export function whatRuns(document: WorkflowDocument, catalogue: Catalogue, mistakes: readonly Mistake[]): Runnable {
  const outermost = (path: string): NodeId => findPath(document, path)?.scope[0] ?? path;
  const ghosts = mistakes.filter(({ level }) => level === "notice").map(({ node }) => node);
  const unfinished = mistakes.filter(({ level }) => level !== "notice").map(({ node }) => node);
  const missing = new Set(ghosts.map(outermost));
  const outputs = Object.entries(document.nodes).flatMap(([id, { type, mode }]) => (mode === undefined && catalogue.get(type)?.output ? [id] : []));
  const targets = missing.size === 0 ? outputs : outputs.filter((id) => [...upstreamOf(document, [id])].every((other) => !missing.has(other)));
  if (targets.length === 0) return EVERYTHING;
  const needed = upstreamOf(document, targets);
  const resting = new Set([...ghosts, ...outputs, ...unfinished].filter((path) => !needed.has(outermost(path))));
  return resting.size === 0 ? EVERYTHING : { targets, resting };
}

/** The document without the named nodes and all that cannot run without them: they are muted. For asking what the rest would do. */
export function withResting(document: WorkflowDocument, paths: ReadonlySet<string>): WorkflowDocument {
  if (paths.size === 0) return document;
  return allViews(document).reduce((result, { scope, view }) => {
    const found = Object.entries(view.nodes).filter(([id, { mode }]) => !isBoundary(id) && mode === undefined && paths.has(pathOf(scope, id)));
    if (found.length === 0) return result;
    const muted = Object.fromEntries(found.map(([id, record]) => [id, { ...record, mode: "mute" as const }]));
    return within(scope, (inner) => ({ ...inner, nodes: { ...inner.nodes, ...muted } }))(result);
  }, document);
}
