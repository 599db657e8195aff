import { describe, expect, it } from "vitest";
import { align, autoLayout } from "./arrange";
import { copyFragment, pasteFragment, upstreamOf } from "./clipboard";
import { fit } from "./compatibility";
import { setValue } from "./commands";
import { EMPTY_DOCUMENT } from "./document";
import { readEmbedded } from "./embedded";
import { evaluate } from "./expression";
import { HEADER, ROW, geometryOf } from "./geometry";
import { parseWorkflowText } from "./normalise";
import { makePlacer, outputPoint, wirePath } from "./place";
import { searchTypes } from "./search";
import { nextSeeds, setSeedMode } from "./seeds";
import { toText } from "./serialise";
import { inputInfo, socketsOf, wiringOf } from "./sockets";
import { CATALOGUE, TYPE_LIST, pipeline, type } from "./testing";
import { clampNumber, mistakesOf } from "./validate";

describe("compatibility", () => {
  it.each([
    [type("Latent"), type("Latent"), "direct"],
    [type("int"), type("float", ["int"]), "direct"],
    [type("float"), type("int"), undefined],
    [type("Any"), type("Latent"), "direct"],
    [type("Latent"), type("Any"), "direct"],
    [type("Latent", [], true), type("Latent"), "each"],
    [type("Latent"), type("Latent", [], true), "wrap"],
    [type("Latent", [], true), type("Frames"), undefined],
    [{ name: "int | str", classes: ["int", "str"], accepts: [], is_list: false }, type("int"), undefined],
    [type("int"), { name: "int | str", classes: ["int", "str"], accepts: [], is_list: false }, "direct"],
  ])("%o into %o", (given, wanted, result) => {
    expect(fit(given, wanted)).toBe(result);
  });
});

describe("search", () => {
  const ids = (query: string): string[] => searchTypes(TYPE_LIST, query).map((found) => found.info.id);
  it("finds by name, synonym, category and socket type", () => {
    expect(ids("text enc")[0]).toBe("TextEncode");
    expect(ids("ksampler")).toEqual(["Sampler"]);
    expect(ids("conditioning")).toContain("TextEncode");
    expect(ids("diffusionmodel")).toEqual(expect.arrayContaining(["LoadModel", "Sampler"]));
    expect(ids("nothing like this")).toEqual([]);
  });
  it("offers only what takes the wire, and the socket", () => {
    const found = searchTypes(TYPE_LIST, "", { side: "input", type: type("Latent") });
    expect(found.map(({ info, socket }) => `${info.id}.${socket}`).sort()).toEqual(["Grid.clips.0", "Reroute.value", "Sampler.latent", "Save.latent"]);
    const sources = searchTypes(TYPE_LIST, "", { side: "output", type: type("Conditioning") });
    expect(sources.map((entry) => entry.info.id)).toEqual(["TextEncode", "Reroute"]);
  });
});

describe("sockets", () => {
  it("grow with variadic inputs", () => {
    const record = { type: "Grid", values: {} };
    const edges = [{ from: { node: "a", socket: "o" }, to: { node: "g", socket: "clips.1" } }];
    const names = socketsOf(record, wiringOf(edges), "g", CATALOGUE).inputs.map((socket) => [socket.name, socket.spare]);
    expect(names).toEqual([["clips.0", false], ["clips.1", false], ["clips.2", true]]);
    expect(inputInfo(CATALOGUE.get("Grid"), "clips.7")?.name).toBe("clips");
  });
  it("of a ghost are what is known of it", () => {
    const edges = [{ from: { node: "a", socket: "o" }, to: { node: "g", socket: "in" } }, { from: { node: "g", socket: "out" }, to: { node: "b", socket: "i" } }];
    const ghost = socketsOf({ type: "gone.Node", values: { size: 3 } }, wiringOf(edges), "g", CATALOGUE);
    expect(ghost.ghost).toBe(true);
    expect(ghost.inputs.map((socket) => socket.name)).toEqual(["in", "size"]);
    expect(ghost.outputs.map((output) => output.name)).toEqual(["out"]);
  });
});

describe("validation", () => {
  it("sees missing wires, ranges and ghosts, and offers a fix", () => {
    const alone = setValue("noiseLatent", "width", 67)({ ...pipeline(), edges: [] });
    const mistakes = mistakesOf({ ...alone, nodes: { ...alone.nodes, x: { type: "gone.X", values: {} } } }, CATALOGUE);
    expect(mistakes.map((mistake) => `${mistake.node}.${mistake.socket} ${mistake.message}`)).toEqual([
      "textEncode.encoder mistake.unwired",
      "noiseLatent.width mistake.range",
      "sampler.model mistake.unwired",
      "sampler.positive mistake.unwired",
      "sampler.latent mistake.unwired",
      "save.latent mistake.unwired",
      "x. mistake.ghost",
    ]);
    expect(mistakes[1]?.fix).toBe(64);
  });
  it("is content with a whole graph, and does not judge what does not run", () => {
    expect(mistakesOf(pipeline(), CATALOGUE)).toEqual([]);
    const muted = { ...pipeline(), edges: [], nodes: { save: { type: "Save", values: {}, mode: "mute" as const } } };
    expect(mistakesOf(muted, CATALOGUE)).toEqual([]);
  });
  it("clamps numbers to range and raster", () => {
    const limits = { ge: 8, gt: null, le: 100, lt: null, multiple_of: 8, min_length: null, max_length: null, pattern: null };
    expect(clampNumber(3, limits, true)).toBe(8);
    expect(clampNumber(99, limits, true)).toBe(96);
    expect(clampNumber(0.1 + 0.2, null, false)).toBe(0.3);
  });
});

describe("clipboard", () => {
  it("pastes with new ids and inner wires, and outer wires on request", () => {
    const document = pipeline();
    const copied = parseWorkflowText(toText(copyFragment(document, new Set(["sampler", "save"])))).document;
    const plain = pasteFragment(document, copied, { x: 0, y: 500 });
    expect(plain.ids).toEqual(["sampler2", "save2"]);
    expect(plain.document.edges).toHaveLength(document.edges.length + 1);
    expect(plain.document.layout.nodes.sampler2).toMatchObject({ x: 0, y: 500 });
    const wired = pasteFragment(document, copied, { x: 0, y: 500 }, true);
    expect(wired.document.edges).toHaveLength(document.edges.length + 4);
    expect(wired.document.edges.some((edge) => edge.from.node === "loadModel" && edge.to.node === "sampler2")).toBe(true);
  });
  it("pastes into another document", () => {
    const copied = copyFragment(pipeline(), new Set(["sampler", "save"]));
    expect(pasteFragment(EMPTY_DOCUMENT, copied, { x: 8, y: 8 }, true).document.edges).toHaveLength(1);
  });
  it("knows what a node needs", () => {
    expect([...upstreamOf(pipeline(), ["textEncode"])]).toEqual(["textEncode", "loadModel"]);
  });
});

describe("seeds", () => {
  it("are chosen before the run and stay", () => {
    const document = setSeedMode("noiseLatent", "seed", "random")(pipeline());
    expect(nextSeeds(document, CATALOGUE, () => 42, undefined).nodes.noiseLatent?.values.seed).toBe(42);
    expect(nextSeeds(document, CATALOGUE, () => 42, new Set(["save"]))).toBe(document);
    const counted = setSeedMode("noiseLatent", "seed", "increment")(document);
    expect(nextSeeds(counted, CATALOGUE, () => 42, undefined).nodes.noiseLatent?.values.seed).toBe(1);
  });
});

describe("places", () => {
  it("stay identical while nothing changes", () => {
    const place = makePlacer();
    const furnish = () => ({ media: false, footer: true });
    const document = pipeline();
    const before = place(document, CATALOGUE, furnish);
    const after = place(setValue("textEncode", "prompt", "x")(document), CATALOGUE, furnish);
    expect(after.get("sampler")).toBe(before.get("sampler"));
    expect(after.get("textEncode")).not.toBe(before.get("textEncode"));
  });
  it("put sockets in rows", () => {
    const record = pipeline().nodes.sampler;
    if (!record) throw new Error("no node");
    const sockets = socketsOf(record, wiringOf([]), "sampler", CATALOGUE);
    const geometry = geometryOf(sockets, { x: 0, y: 0 }, new Set(), { media: false, footer: false });
    expect(geometry.outputs[0]?.y).toBe(HEADER + 4 + ROW / 2);
    expect(geometry.inputs.map((row) => row.y)).toEqual([1, 2, 3, 4].map((row) => HEADER + 4 + row * ROW));
    const placed = makePlacer()(pipeline(), CATALOGUE, () => ({ media: false, footer: false })).get("sampler");
    expect(placed && outputPoint(placed, "latent")).toEqual({ x: 864, y: HEADER + 4 + ROW / 2 });
    expect(wirePath({ x: 0, y: 0 }, { x: 100, y: 50 })).toMatch(/^M0,0 C50,0 50,50 100,50$/);
  });
  it("are arranged in layers from left to right", () => {
    const rects = Object.fromEntries(Object.keys(pipeline().nodes).map((id) => [id, { x: 0, y: 0, width: 264, height: 200 }]));
    const places = autoLayout(rects, pipeline().edges);
    const order = ["loadModel", "textEncode", "sampler", "save"].map((id) => places[id]?.x ?? -1);
    expect(order).toEqual([...order].sort((left, right) => left - right));
    expect(new Set(order).size).toBe(4);
    expect(align({ a: { x: 5, y: 0, width: 10, height: 10 }, b: { x: 9, y: 50, width: 20, height: 10 } }, "left")).toEqual({ a: { x: 5, y: 0 }, b: { x: 5, y: 50 } });
  });
});

describe("expressions", () => {
  it.each([["2+3*4", 14], ["(640/2)", 320], ["2^3^2", 512], ["-2^2", -4], ["1e3", 1000], ["pi", Math.PI], ["0,5", 0.5], ["16*4+1", 65]])("%s", (source, value) => {
    expect(evaluate(source)).toBeCloseTo(value);
  });
  it.each(["", "2+", "alert(1)", "1/0", "(", "2 3", "x"])("refuses %s", (source) => {
    expect(evaluate(source)).toBeUndefined();
  });
});

describe("embedded", () => {
  it("finds the document among other bytes, with braces and umlauts in its texts", () => {
    const text = toText(setValue("textEncode", "prompt", 'a "}{" für 你好')(pipeline()));
    const bytes = new Uint8Array([0, 123, 7, ...new TextEncoder().encode(text), 125, 0]);
    const found = readEmbedded(bytes);
    expect(found && parseWorkflowText(found).document.nodes.textEncode?.values.prompt).toBe('a "}{" für 你好');
    expect(readEmbedded(new Uint8Array(100))).toBeUndefined();
  });
});
