import { describe, expect, it } from "vitest";
import { passedThrough } from "./bypass";
import { around, addGroup, addNote, changeBox, membersOf, removeBoxes } from "./boxes";
import {
  addNode,
  closesCycle,
  connect,
  disconnect,
  dissolveNode,
  insertOnWire,
  moveNodes,
  removeNodes,
  setTitle,
  setValue,
  toggleFormInput,
  toggleMode,
} from "./commands";
import { edgeId } from "./document";
import { CATALOGUE, pipeline } from "./testing";

describe("commands", () => {
  it("return the same document when nothing changes", () => {
    const document = pipeline();
    expect(setValue("textEncode", "prompt", undefined)(document)).toBe(document);
    expect(setTitle("textEncode", "  ")(document)).toBe(document);
    expect(connect({ node: "sampler", socket: "latent" }, { node: "save", socket: "latent" })(document)).toBe(document);
    expect(disconnect(new Set(["nothing|here"]))(document)).toBe(document);
    expect(removeNodes(new Set(["nobody"]))(document)).toBe(document);
    expect(moveNodes({ save: { x: 900, y: 0 } })(document)).toBe(document);
  });

  it("keep the identity of what they do not touch", () => {
    const document = pipeline();
    const changed = setValue("textEncode", "prompt", "rain")(document);
    expect(changed.nodes.textEncode?.values).toEqual({ prompt: "rain" });
    expect(changed.nodes.sampler).toBe(document.nodes.sampler);
    expect(changed.edges).toBe(document.edges);
    expect(changed.layout).toBe(document.layout);
  });

  it("give an input one wire only", () => {
    const { document, id } = addNode(pipeline(), "NoiseLatent", { x: 0, y: 0 });
    const joined = connect({ node: id, socket: "latent" }, { node: "sampler", socket: "latent" })(document);
    expect(joined.edges.filter((edge) => edgeId(edge) === "sampler|latent").map((edge) => edge.from.node)).toEqual([id]);
    expect(joined.edges).toHaveLength(document.edges.length);
  });

  it("remove nodes with wires, places and form inputs", () => {
    const offered = toggleFormInput({ node: "textEncode", socket: "prompt" }, "Prompt")(pipeline());
    const removed = removeNodes(new Set(["textEncode"]))(offered);
    expect(removed.edges.map(edgeId)).toEqual(["sampler|model", "sampler|latent", "save|latent"]);
    expect(removed.layout.nodes.textEncode).toBeUndefined();
    expect(removed.inputs).toEqual({});
  });

  it("see a circle before it is closed", () => {
    const document = pipeline();
    expect(closesCycle(document, "save", "model")).toBe(false);
    expect(closesCycle(document, "sampler", "loadModel")).toBe(true);
    expect(closesCycle(document, "sampler", "sampler")).toBe(true);
    expect(closesCycle(document, "loadModel", "save")).toBe(false);
  });

  it("see circles in chains of a hundred thousand without overflowing", () => {
    const count = 100_000;
    const nodes = Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, { type: "X", values: {} }]));
    const edges = Array.from({ length: count - 1 }, (_, index) => ({ from: { node: `n${index}`, socket: "o" }, to: { node: `n${index + 1}`, socket: "i" } }));
    expect(closesCycle({ ...pipeline(), nodes, edges }, `n${count - 1}`, "n0")).toBe(true);
  });

  it("put a node into a wire and take it out again", () => {
    const { document, id } = addNode(pipeline(), "Reroute", { x: 0, y: 0 });
    const wire = document.edges.find((edge) => edgeId(edge) === "save|latent");
    if (!wire) throw new Error("no wire");
    const inserted = insertOnWire(id, wire, "value", "value")(document);
    expect(inserted.edges.find((edge) => edgeId(edge) === "save|latent")?.from).toEqual({ node: id, socket: "value" });
    expect(inserted.edges.find((edge) => edge.to.node === id)?.from).toEqual({ node: "sampler", socket: "latent" });
    const out = dissolveNode(id, (output) => passedThrough(inserted, CATALOGUE, id, output))(inserted);
    expect(out.edges.find((edge) => edgeId(edge) === "save|latent")?.from).toEqual({ node: "sampler", socket: "latent" });
  });

  it("pass through a bypassed node by type, as the engine does", () => {
    expect(passedThrough(pipeline(), CATALOGUE, "sampler", "latent")).toEqual({ node: "noiseLatent", socket: "latent" });
    expect(passedThrough(pipeline(), CATALOGUE, "textEncode", "conditioning")).toBeUndefined();
  });

  it("toggle a mode for several nodes at once", () => {
    const both = toggleMode(["sampler", "save"], "mute")(toggleMode(["save"], "mute")(pipeline()));
    expect([both.nodes.sampler?.mode, both.nodes.save?.mode]).toEqual(["mute", "mute"]);
    expect(toggleMode(["sampler", "save"], "mute")(both).nodes.save).toEqual({ type: "Save", values: {} });
  });
});

describe("groups and notes", () => {
  it("surround nodes, and know what lies in them", () => {
    const rects = { a: { x: 0, y: 0, width: 100, height: 100 }, b: { x: 200, y: 0, width: 100, height: 100 }, c: { x: 900, y: 0, width: 10, height: 10 } };
    expect(around([rects.a, rects.b])).toEqual({ x: 0, y: 0, width: 300, height: 100 });
    const document = addGroup([rects.a, rects.b], "Both")(pipeline());
    const [group] = document.layout.groups;
    if (!group) throw new Error("no group");
    expect(membersOf(group, rects)).toEqual(["a", "b"]);
    expect(removeBoxes("groups", new Set([group.id]))(document).layout.groups).toEqual([]);
  });

  it("change only what changes", () => {
    const document = addNote({ x: 1, y: 2 }, "hello")(pipeline());
    expect(changeBox("notes", "note1", { text: "hello" })(document)).toBe(document);
    expect(changeBox("notes", "note1", { text: "bye" })(document).layout.notes[0]?.text).toBe("bye");
  });
});
