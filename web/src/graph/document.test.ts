import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { freshId } from "./document";
import { NotAWorkflow, normalise, parseWorkflowText } from "./normalise";
import { natural } from "./normalForm";
import { computedPart, toJson, toText, withRequires } from "./serialise";
import { pipeline } from "./testing";

const MINIMAL = { format: "kinograph-workflow", version: 1, nodes: { a: { type: "X" } } };

describe("normalise", () => {
  it("needs only format, version and nodes", () => {
    expect(normalise(MINIMAL).document.nodes.a).toEqual({ type: "X", values: {} });
  });

  it("keeps unknown node types, fields and values through a round trip", () => {
    const source = {
      ...MINIMAL,
      nodes: { a: { type: "pack.Unknown", values: { deep: [1, { x: null }] }, colour: "red" }, b: { type: "Y", values: {} } },
      edges: [{ from: ["a", "out"], to: ["b", "in"], weight: 2 }],
      requires: { plugins: { pack: "1.0" } },
      layout: { nodes: { a: { x: 1, y: 2, badge: "!" } }, zebra: true },
      future: { x: 1 },
    };
    const { document, repairs } = normalise(source);
    expect(repairs).toEqual([]);
    expect(toJson(document)).toMatchObject(source);
    expect(normalise(toJson(document)).document).toEqual(document);
  });

  it("leaves out what is malformed, and says so", () => {
    const { document, repairs } = normalise({
      ...MINIMAL,
      nodes: { a: { type: "X" }, b: 7 },
      edges: [{ from: ["a", "o"], to: ["gone", "i"] }, "?"],
      layout: { nodes: { a: { x: "left", y: 0 } }, notes: [{ id: 4 }], viewport: { x: 0, y: 0, zoom: 0 } },
    });
    expect(Object.keys(document.nodes)).toEqual(["a"]);
    expect(document.edges).toEqual([]);
    expect(document.layout.nodes).toEqual({});
    expect(document.layout.viewport).toBeUndefined();
    expect(repairs).toHaveLength(3);
  });

  it("takes the last of two wires into one input", () => {
    const two = { ...MINIMAL, nodes: { a: { type: "X" }, b: { type: "X" } }, edges: [{ from: ["a", "1"], to: ["b", "i"] }, { from: ["a", "2"], to: ["b", "i"] }] };
    expect(normalise(two).document.edges.map((edge) => edge.from.socket)).toEqual(["2"]);
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["another format", '{"format":"other"}'],
    ["a newer version", '{"format":"kinograph-workflow","version":9,"nodes":{}}'],
  ])("refuses %s", (_, text) => {
    expect(() => parseWorkflowText(text)).toThrow(NotAWorkflow);
  });

  it("recognises a ComfyUI file and says so", () => {
    expect(() => normalise({ last_node_id: 3, nodes: [] })).toThrow(/ComfyUI/);
  });
});

describe("what a document requires", () => {
  it("is brought up to date, and what the server does not know of is kept", () => {
    const { document } = normalise({ ...MINIMAL, requires: { plugins: { old: {} }, models: { "a.name": {} }, memory: "24 GB" } });
    const found = { plugins: { kinograph: { version: "0.1.0" } } };
    expect(withRequires(document, found).requires).toEqual({ ...found, memory: "24 GB" });
    expect(withRequires(document, undefined)).toBe(document);
    expect(computedPart(withRequires(document, found))).toBe(computedPart(document));
  });
});

describe("serialise", () => {
  it("gives the same document back from its text", () => {
    const document = pipeline();
    const again = parseWorkflowText(toText(document)).document;
    expect({ ...again, edges: new Set(again.edges) }).toEqual({ ...document, edges: new Set(document.edges) });
    expect(toText(again)).toBe(toText(document));
  });

  it("has a part that layout does not touch", () => {
    const document = pipeline();
    const moved = { ...document, layout: { ...document.layout, nodes: {} }, meta: { title: "x" } };
    expect(computedPart(moved)).toBe(computedPart(document));
  });
});

it("gives readable ids", () => {
  expect(freshId({}, "TextEncode")).toBe("textEncode");
  expect(freshId({ textEncode: 1 }, "TextEncode")).toBe("textEncode2");
  expect(freshId({}, "pack.VAEDecode")).toBe("vaeDecode");
});

describe("the normal form", () => {
  const folder = fileURLToPath(new URL("../../../", import.meta.url));
  const shipped = readdirSync(`${folder}workflows`).filter((name) => name.endsWith(".json")).map((name) => `workflows/${name}`);

  it.each([...shipped, "tests/documents/now/format_1_everything.json"])("%s is written as the engine writes it", (name) => {
    const text = readFileSync(folder + name, "utf8");
    expect(toText(parseWorkflowText(text).document)).toBe(text);
  });

  it("sorts numbers in names as numbers", () => {
    expect(["b10", "b9", "a", "b", "10", "9"].sort(natural)).toEqual(["9", "10", "a", "b", "b9", "b10"]);
  });
});
