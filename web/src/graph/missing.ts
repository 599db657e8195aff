/** What of a document can run although plugins are missing here. */

import { findPath } from "./bodies";
import { upstreamOf } from "./clipboard";
import type { NodeId, WorkflowDocument } from "./document";
import type { Catalogue } from "./sockets";
import { mistakesOf } from "./validate";

export interface Possible {
  /** Nodes that save or show something and need no missing node. */
  readonly targets: readonly NodeId[];
  /** Those that do need one. */
  readonly leftOut: readonly NodeId[];
}

/** What runs without the missing nodes; undefined where no node is missing, and where nothing could run without them. */
export function apartFromMissing(document: WorkflowDocument, catalogue: Catalogue): Possible | undefined {
  const missing = mistakesOf(document, catalogue)
    .filter((mistake) => mistake.message === "mistake.ghost" || mistake.message === "mistake.ghostOwn")
    .map((mistake) => findPath(document, mistake.node)?.scope[0] ?? mistake.node);
  if (missing.length === 0) return undefined;
  const outputs = Object.entries(document.nodes).filter(([, node]) => !node.mode && catalogue.get(node.type)?.output).map(([id]) => id);
  const needsMissing = (id: NodeId): boolean => {
    const needed = upstreamOf(document, [id]);
    return missing.some((other) => needed.has(other));
  };
  const targets = outputs.filter((id) => !needsMissing(id));
  return targets.length === 0 ? undefined : { targets, leftOut: outputs.filter(needsMissing) };
}
