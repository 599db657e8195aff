import type { Placed } from "../../graph/place";

/** The name of a node as it is shown: given by the person, else its type's. */
export function titleOf(placed: Pick<Placed, "record" | "info">): string {
  return placed.record.title ?? placed.info?.title ?? placed.record.type;
}
