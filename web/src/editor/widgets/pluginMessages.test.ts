import { describe, expect, it } from "vitest";
import { ownerOf } from "../../store/webParts";
import { isJson } from "./pluginMessages";

describe("what a plugin's frame sends", () => {
  it("is taken when it is JSON", () => {
    for (const value of [null, true, "text", 1.5, [1, [2]], { a: { b: [null] } }]) expect(isJson(value)).toBe(true);
  });

  it("is refused when it is anything else, too deep or too large", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const refused = [undefined, NaN, Infinity, () => 1, new Date(), new Map(), [undefined], cycle, "x".repeat(70_000), 1n];
    for (const value of refused) expect(isJson(value)).toBe(false);
  });
});

describe("the plugin of a widget", () => {
  it("is the first word of its kind, where that plugin has web parts", () => {
    const plugins = new Set(["sparkle"]);
    expect(ownerOf("sparkle.dial", plugins)).toBe("sparkle");
    expect(ownerOf("other.dial", plugins)).toBeUndefined();
    expect(ownerOf("sparkle", plugins)).toBeUndefined();
    expect(ownerOf("color", plugins)).toBeUndefined();
  });
});
