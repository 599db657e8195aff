import { describe, expect, it } from "vitest";
import { addNode, setValue, toggleMode } from "./commands";
import { addedBelow, forkFields, forkableNodes, lastForkStep } from "./fork";
import { CATALOGUE, input, nodeType, pipeline, type } from "./testing";

const sampler = CATALOGUE.get("Sampler");
const state = type("SamplerState");
const WITH_FORKS = new Map([
  ...CATALOGUE,
  ["Sampler", nodeType("Sampler", [...(sampler?.inputs ?? []), input("start", state)], [["latent", type("Latent")]])] as const,
  ["SamplerSteps", nodeType("SamplerSteps", [...(sampler?.inputs ?? []), input("stop", type("int"), { kind: "number" })], [["state", state]])] as const,
]);

describe("forks", () => {
  it("are offered where another type computes the first steps", () => {
    expect(forkableNodes(pipeline(), CATALOGUE)).toEqual([]);
    expect(forkableNodes(pipeline(), WITH_FORKS)).toEqual(["sampler"]);
    expect(forkableNodes(toggleMode(["sampler"], "mute")(pipeline()), WITH_FORKS)).toEqual([]);
  });

  it("know the last step from the run, from the value, or say that they do not", () => {
    expect(lastForkStep(pipeline(), "sampler", 20)).toEqual({ last: 19, known: true });
    expect(lastForkStep(setValue("sampler", "steps", 8)(pipeline()), "sampler", undefined)).toEqual({ last: 7, known: true });
    expect(lastForkStep(pipeline(), "sampler", undefined).known).toBe(false);
  });

  it("put what they added below everything, so that it covers nothing", () => {
    const before = pipeline();
    const { document, id } = addNode(before, "TextEncode", { x: 300, y: 100 });
    const after = addedBelow(document, before, WITH_FORKS);
    const lowest = Math.max(...Object.keys(before.nodes).map((name) => after.layout.nodes[name]?.y ?? 0));
    expect(after.layout.nodes[id]?.y).toBeGreaterThan(lowest + 100);
    expect(after.layout.nodes.sampler).toEqual(before.layout.nodes.sampler);
  });

  it("offer the values that lead to the sampler, and none behind it", () => {
    const fields = forkFields(pipeline(), "sampler", WITH_FORKS).map((field) => `${field.node}.${field.socket.name}`);
    expect(fields).toContain("textEncode.prompt");
    expect(fields.some((name) => name.startsWith("save."))).toBe(false);
    expect(fields[0]?.startsWith("sampler.") ?? false).toBe(fields.some((name) => name.startsWith("sampler.")));
  });
});
