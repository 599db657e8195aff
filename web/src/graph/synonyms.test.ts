import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { NodeTypeInfo } from "../api/protocol";
import { searchTypes } from "./search";
import { wantedBy } from "./synonyms";

const TYPES = JSON.parse(readFileSync(new URL("../../fake-server/node-types.json", import.meta.url), "utf8")) as NodeTypeInfo[];
const first = (query: string): string | undefined => searchTypes(TYPES, query)[0]?.info.id;

describe("what a query asks for", () => {
  it("parts Chinese into the longest words that are known", () => {
    expect(wantedBy("保存视频").map(([word]) => word)).toEqual(["保存", "视频"]);
    expect(wantedBy("采样器").map(([word]) => word)).toEqual(["采样器"]);
    expect(wantedBy("神奇视频").map(([word]) => word)).toEqual(["神奇", "视频"]);
  });

  it("keeps words of other languages as they are typed", () => {
    expect(wantedBy(" Save  VIDEO ").map(([word]) => word)).toEqual(["save", "video"]);
  });
});

describe("searching the built-in nodes", () => {
  it.each([
    ["保存视频", "SaveVideo"],
    ["加载模型", "LoadModel"],
    ["采样器", "DiTSampler"],
    ["解码", "VAEDecode"],
    ["decode", "VAEDecode"],
    ["decode options", "DecodeOptions"],
    ["文本编码", "TextEncode"],
    ["倒放", "ReverseFrames"],
    ["ksampler", "DiTSampler"],
  ])("%s finds %s", (query, id) => {
    expect(first(query)).toBe(id);
  });

  it("finds nothing for a word that nothing answers", () => {
    expect(searchTypes(TYPES, "神奇视频")).toEqual([]);
  });

  it("puts a node of that name before one that only means it", () => {
    expect(first("save video")).toBe("SaveVideo");
  });
});
