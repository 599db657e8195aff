import { describe, expect, it } from "vitest";
import { INPUTS, OUTPUTS, SPARE, allViews, bodyView, changedScope, findPath, putAt, viewAt, within } from "./bodies";
import { connect, disconnect, removeNodes, setValue } from "./commands";
import { EMPTY_DOCUMENT, edgeId, type WorkflowDocument } from "./document";
import { originOf, openInputs } from "./homes";
import { leavesAndReturns, makeSubgraph, moveFace, renameFace, toggleExposed, unpackSubgraph, withFirstValues, withoutFace } from "./nesting";
import { normalise } from "./normalise";
import { nextSeeds, setSeedMode } from "./seeds";
import { computedPart, toJson } from "./serialise";
import { inputType, outputType, socketsOf, valueOf, wiringOf } from "./sockets";
import { CATALOGUE, pipeline } from "./testing";
import { mistakesOf } from "./validate";

const base = pipeline();
const made = makeSubgraph(base, new Set(["textEncode", "noiseLatent", "sampler"]), { title: "Painter" });
const id = made.id ?? "";
const nested = made.document;
const inside = (document: WorkflowDocument, ...scope: string[]): WorkflowDocument => {
  const view = viewAt(document, scope);
  if (!view) throw new Error(`nothing inside of ${scope.join("/")}`);
  return view;
};
const faces = (document: WorkflowDocument, node = id): { inputs: string[]; outputs: string[] } => {
  const record = document.nodes[node] ?? { type: "", values: {} };
  const sockets = socketsOf(record, wiringOf(document.edges), node, CATALOGUE, document);
  return { inputs: sockets.inputs.map((socket) => socket.name), outputs: sockets.outputs.map((output) => output.name) };
};

describe("a sub-graph", () => {
  it("takes its nodes, and wires that cross its wall become its inputs and outputs", () => {
    expect(Object.keys(nested.nodes).sort()).toEqual(Object.keys(base.nodes).filter((name) => !["textEncode", "noiseLatent", "sampler"].includes(name)).concat(id).sort());
    expect(faces(nested)).toEqual({ inputs: ["inputs.encoder", "inputs.model"], outputs: ["latent"] });
    expect(nested.edges.filter((edge) => edge.to.node === id || edge.from.node === id)).toHaveLength(3);
    expect(mistakesOf(nested, CATALOGUE)).toEqual(mistakesOf(base, CATALOGUE));
  });

  it("comes apart into what it was made of", () => {
    const { document, ids } = unpackSubgraph(nested, id);
    expect([...ids].sort()).toEqual(["noiseLatent", "sampler", "textEncode"]);
    expect(document.nodes).toEqual(base.nodes);
    expect(document.edges.map(edgeId).sort()).toEqual(base.edges.map(edgeId).sort());
    expect(document.layout.nodes.sampler).toMatchObject(base.layout.nodes.sampler ?? {});
  });

  it("refuses nodes between which a wire leaves and returns", () => {
    const ends = new Set(["loadModel", "sampler"]);
    expect(leavesAndReturns(base, ends)).toBe(true);
    expect(makeSubgraph(base, ends).id).toBeUndefined();
  });

  it("is read back from a file as it was, in the order of its face", () => {
    const turned = within([id], moveFace("input", "model", -1))(nested);
    const { document } = normalise(JSON.parse(JSON.stringify(toJson(turned))));
    expect(faces(document)).toEqual({ inputs: ["inputs.model", "inputs.encoder"], outputs: ["latent"] });
    expect(toJson(document)).toEqual(toJson(turned));
  });

  it("knows the types behind its face", () => {
    expect(inputType(nested, CATALOGUE, { node: id, socket: "inputs.encoder" }).name).toBe("TextEncoder");
    expect(outputType(nested, CATALOGUE, { node: id, socket: "latent" }).name).toBe("Latent");
    expect(outputType(inside(nested, id), CATALOGUE, { node: INPUTS, socket: "model" }).name).toBe("DiffusionModel");
  });
});

describe("a value on the face", () => {
  const shown = within([id], toggleExposed({ node: "textEncode", socket: "prompt" }))(nested);
  const valueOutside = (document: WorkflowDocument): unknown => {
    const record = document.nodes[id];
    return record && valueOf(record, undefined, "inputs.prompt");
  };

  it("is the inner node's, wherever it is set", () => {
    expect(faces(shown).inputs).toContain("inputs.prompt");
    const outside = setValue(id, "inputs.prompt", "a cube")(shown);
    expect(inside(outside, id).nodes.textEncode?.values.prompt).toBe("a cube");
    expect(outside.nodes[id]?.values["inputs.prompt"]).toBeUndefined();
    const within2 = within([id], setValue("textEncode", "prompt", "a ring"))(outside);
    expect(valueOutside(within2)).toBe("a ring");
  });

  it("is one value for all inner sockets that one input feeds", () => {
    const two = within([id], (view) => {
      const more = { ...view, nodes: { ...view.nodes, other: { type: "TextEncode", values: { prompt: "x" } } } };
      return connect({ node: INPUTS, socket: "prompt" }, { node: "other", socket: "prompt" })(more);
    })(shown);
    const set = within([id], setValue("other", "prompt", "both"))(two);
    expect(inside(set, id).nodes.textEncode?.values.prompt).toBe("both");
    expect(valueOutside(set)).toBe("both");
  });

  it("can be set inside only while no wire brings it from outside", () => {
    expect(openInputs(shown, [id])).toEqual(new Set(["prompt"]));
  });

  it("leaves the face without being lost", () => {
    const set = setValue(id, "inputs.prompt", "kept")(shown);
    const hidden = within([id], toggleExposed({ node: "textEncode", socket: "prompt" }))(set);
    expect(faces(hidden).inputs).not.toContain("inputs.prompt");
    expect(inside(hidden, id).nodes.textEncode?.values.prompt).toBe("kept");
  });

  it("reaches through two walls", () => {
    const outer = makeSubgraph(shown, new Set([id]), { title: "Outer" });
    const deep = within([outer.id ?? ""], toggleExposed({ node: id, socket: "inputs.prompt" }))(outer.document);
    const set = setValue(outer.id ?? "", "inputs.prompt", "deep")(deep);
    expect(inside(set, outer.id ?? "", id).nodes.textEncode?.values.prompt).toBe("deep");
  });
});

describe("the face", () => {
  it("is renamed with the wires on both sides", () => {
    const renamed = renameFace(id, "input", "encoder", "words")(nested);
    expect(faces(renamed).inputs).toEqual(["inputs.words", "inputs.model"]);
    expect(renamed.edges.some((edge) => edge.to.node === id && edge.to.socket === "inputs.words")).toBe(true);
    expect(inside(renamed, id).edges.some((edge) => edge.from.node === INPUTS && edge.from.socket === "words")).toBe(true);
    expect(renameFace(id, "input", "encoder", "model")(nested)).toBe(nested);
    expect(renameFace(id, "input", "encoder", "  ")(nested)).toBe(nested);
  });

  it("loses an input together with the wire outside", () => {
    const less = within([id], withoutFace("input", "encoder"))(nested);
    expect(less.edges.some((edge) => edge.to.socket === "inputs.encoder")).toBe(false);
  });

  it("loses an output when its inner node goes, and the wire outside is cut", () => {
    const less = within([id], removeNodes(new Set(["sampler"])))(nested);
    expect(faces(less).outputs).toEqual([]);
    expect(less.edges.some((edge) => edge.from.node === id)).toBe(false);
  });

  it("gets an output by a wire to the free socket", () => {
    const more = within([id], connect({ node: "textEncode", socket: "conditioning" }, { node: OUTPUTS, socket: SPARE }))(nested);
    expect(faces(more).outputs).toEqual(["latent", "conditioning"]);
  });

  it("keeps the two ends, whatever is deleted", () => {
    const view = inside(within([id], removeNodes(new Set([INPUTS, OUTPUTS, "sampler"])))(nested), id);
    expect([INPUTS in view.nodes, OUTPUTS in view.nodes, "sampler" in view.nodes]).toEqual([true, true, false]);
  });
});

describe("inside", () => {
  it("an unchanged node keeps its identity", () => {
    const before = inside(nested, id);
    const after = inside(within([id], setValue("textEncode", "prompt", "new"))(nested), id);
    expect(after.nodes.sampler).toBe(before.nodes.sampler);
    expect(putAt(nested, [id], before)).toBe(nested);
  });

  it("nodes are found by their paths, also by a loop's", () => {
    expect(findPath(nested, `${id}/sampler`)).toEqual({ scope: [id], id: "sampler" });
    const loop = makeSubgraph(base, new Set(["sampler"]), { type: "ForLoop", carries: (output, input) => input.socket === output.socket });
    expect(findPath(loop.document, `${loop.id}/3/sampler`)).toEqual({ scope: [loop.id], id: "sampler" });
    expect(findPath(loop.document, `${loop.id}/@4/4/sampler`)?.id).toBe("sampler");
    expect(findPath(nested, "gone/sampler")).toBeUndefined();
  });

  it("moving a node is no other computation, and setting a value is", () => {
    const moved = within([id], (view) => ({ ...view, layout: { ...view.layout, nodes: { ...view.layout.nodes, sampler: { x: 9, y: 9 } } } }))(nested);
    expect(computedPart(moved)).toBe(computedPart(nested));
    expect(computedPart(within([id], setValue("sampler", "guidance", 3))(nested))).not.toBe(computedPart(nested));
  });

  it("seeds change from run to run as outside", () => {
    const random = within([id], setSeedMode("noiseLatent", "seed", "random"))(nested);
    const run = nextSeeds(random, CATALOGUE, () => 77, undefined);
    expect(inside(run, id).nodes.noiseLatent?.values.seed).toBe(77);
    expect(nextSeeds(random, CATALOGUE, () => 77, new Set(["loadModel"]))).toBe(random);
  });

  it("mistakes are told by path", () => {
    const wrong = within([id], setValue("noiseLatent", "width", 3))(nested);
    expect(mistakesOf(wrong, CATALOGUE).map((mistake) => [mistake.node, mistake.socket])).toContainEqual([`${id}/noiseLatent`, "width"]);
  });

  it("what a wire carries is looked up where it was made", () => {
    expect(originOf(nested, [], { node: id, socket: "latent" })).toEqual({ node: `${id}/sampler`, socket: "latent" });
    expect(originOf(nested, [id], { node: INPUTS, socket: "model" })).toEqual({ node: "loadModel", socket: "model" });
  });

  it("a change is found as deep as it lies", () => {
    expect(changedScope(nested, within([id], setValue("sampler", "guidance", 3))(nested))).toEqual([id]);
    expect(changedScope(nested, removeNodes(new Set(["loadModel"]))(nested))).toEqual([]);
    expect(allViews(nested).map((found) => found.scope)).toEqual([[], [id]]);
  });
});

describe("a loop", () => {
  const loop = makeSubgraph(base, new Set(["sampler"]), { type: "ForLoop", carries: (output, input) => input.socket === output.socket });
  const name = loop.id ?? "";

  it("carries what goes in, and knows the number of its turn", () => {
    const view = inside(loop.document, name);
    expect(view.nodes[INPUTS]?.values.names).toContain("index");
    expect(faces(loop.document, name).inputs).toEqual(expect.arrayContaining(["count", "state.model"]));
    expect(inside(loop.document, name).edges.some((edge) => edge.to.node === OUTPUTS && edge.to.socket === "latent")).toBe(true);
    expect(loop.document.edges.some((edge) => edge.from.node === name && edge.from.socket === "latent")).toBe(true);
    expect(faces(loop.document, name).inputs).not.toContain("state.index");
  });

  it("takes the inner node's value as its first", () => {
    const carried = within([name], toggleExposed({ node: "sampler", socket: "guidance" }))(loop.document);
    expect(withFirstValues(carried, name, CATALOGUE).nodes[name]?.values["state.guidance"]).toBe(6);
  });

  it("begins empty where nothing was written", () => {
    const view = bodyView({ type: "ForLoop", values: {} });
    expect(view?.nodes[INPUTS]?.values.names).toEqual(["index"]);
    expect(disconnect(new Set(["x"]))(EMPTY_DOCUMENT)).toBe(EMPTY_DOCUMENT);
  });
});
