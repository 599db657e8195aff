import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseWorkflowText } from "./normalise";
import { toText } from "./serialise";

const TABLE = JSON.parse(readFileSync(new URL("../../../tests/documents/numbers.json", import.meta.url), "utf8")) as [string, string][];

/** `tests/engine/test_numbers.py` holds Python to the same table. */
describe("a number", () => {
  it.each(TABLE)("%s is written %s", (read, text) => {
    const source = `{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T", "values": {"x": ${read}}}}}`;
    const saved = toText(parseWorkflowText(source).document);
    expect(saved).toContain(`"x": ${text}\n`);
    expect(toText(parseWorkflowText(saved).document)).toBe(saved);
  });
});
