import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { moveNodes } from "./commands";
import type { JsonObject } from "./document";
import { diffDocuments, renamedNodes, withNames, type Change } from "./diff";
import { normalise } from "./normalise";
import { pipeline } from "./testing";

interface Case {
  readonly name: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly changes: readonly Change[];
}

const SHARED = JSON.parse(readFileSync(new URL("../../../tests/documents/diffs.json", import.meta.url), "utf8")) as Case[];

describe("what differs between two documents", () => {
  /** `tests/engine/document/test_diff.py` holds `kinograph diff` to the same file. */
  it.each(SHARED)("is what the command line says: $name", ({ before, after, changes }) => {
    expect(diffDocuments(normalise(before).document, normalise(after).document)).toEqual(changes);
  });

  it("is no meaning where only places differ", () => {
    const changes = diffDocuments(pipeline(), moveNodes({ save: { x: 1, y: 1 } })(pipeline()));
    expect(new Set(changes.map((change) => change.part))).toEqual(new Set(["layout"]));
  });

  it("finds nothing between a document and itself under other names", () => {
    const before = pipeline();
    const after = withNames(before, new Map([["save", "keep"]]));
    expect(renamedNodes(before, after)).toEqual(new Map([["save", "keep"]]));
    expect(diffDocuments(withNames(before, renamedNodes(before, after)), after)).toEqual([]);
  });
});
