import { INPUTS, OUTPUTS } from "../../graph/bodies";
import { tr } from "../actions/tr";
import type { NodeRecord } from "../../graph/document";
import type { Catalogue } from "../../graph/sockets";
import type { Placed } from "../../graph/place";

/** The name of a node that may not be on the canvas. */
export function titleText(record: NodeRecord | undefined, catalogue: Catalogue): string {
  return record ? titleOf({ record, info: catalogue.get(record.type) }) : "";
}

/** The name of a node as it is shown: given by the person, else its type's. */
export function titleOf(placed: Pick<Placed, "record" | "info">): string {
  if (placed.record.type === INPUTS) return tr("subgraph.inputs");
  if (placed.record.type === OUTPUTS) return tr("subgraph.outputs");
  return placed.record.title ?? placed.info?.title ?? placed.record.type;
}
