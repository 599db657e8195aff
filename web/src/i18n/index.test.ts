import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { translate } from ".";
import { en, type MessageKey } from "./en";
import { zh } from "./zh";
import { categoryNames, nodeNames } from "./zh/nodeNames";

const KEYS = Object.keys(en) as MessageKey[];
const gaps = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

/** Its own name for the other language is what the switch offers. */
const IN_ENGLISH: readonly MessageKey[] = ["top.language"];

describe("the catalogues", () => {
  it("fill the same gaps in both languages", () => {
    const differing = KEYS.filter((key) => gaps(en[key]).join() !== gaps(zh[key]).join());
    expect(differing).toEqual([]);
  });

  it("say nothing in English to Chinese readers", () => {
    const english = KEYS.filter((key) => /\p{L}{2}/u.test(zh[key].replace(/\{\w+\}/g, "")) && !/\p{Script=Han}/u.test(zh[key]));
    expect(english).toEqual(IN_ENGLISH);
  });

  it("name each sentence once", async () => {
    const subjects = await Promise.all(["canvas", "files", "frame", "nodes", "reasons", "results", "runs", "steps", "subgraphs"].map(keysOf));
    expect(subjects.flat()).toHaveLength(KEYS.length);
  });

  it("leave a gap that nothing fills as it is", () => {
    const key = KEYS.find((name) => gaps(en[name]).length > 0) as MessageKey;
    expect(translate("en", key)).toBe(en[key]);
  });
});

describe("built-in nodes", () => {
  it("all have a Chinese name and category", () => {
    const source = readFileSync(new URL("../../fake-server/node-types.json", import.meta.url), "utf8");
    const types = JSON.parse(source) as { id: string; category: string }[];
    const own = types.filter((type) => !type.id.includes("."));
    expect(own.filter((type) => nodeNames[type.id] === undefined).map((type) => type.id)).toEqual([]);
    expect(own.flatMap((type) => type.category.split("/")).filter((part) => categoryNames[part] === undefined)).toEqual([]);
  });
});

async function keysOf(subject: string): Promise<string[]> {
  const module = (await import(`./en/${subject}.ts`)) as Record<string, object>;
  return Object.keys(module[subject] ?? {});
}
