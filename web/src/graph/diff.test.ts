import { expect, it } from "vitest";
import { addNode, disconnect, moveNodes, removeNodes, setValue, toggleMode } from "./commands";
import { diffDocuments } from "./diff";
import { pipeline } from "./testing";

it("names what matters, and nothing else", () => {
  const before = pipeline();
  expect(diffDocuments(before, moveNodes({ save: { x: 1, y: 1 } })(before))).toEqual([]);
  const changed = toggleMode(["save"], "mute")(disconnect(new Set(["sampler|latent"]))(setValue("textEncode", "prompt", "rain")(before)));
  const after = addNode(removeNodes(new Set(["noiseLatent"]))(changed), "Grid", { x: 0, y: 0 }).document;
  expect(diffDocuments(before, after)).toEqual([
    { kind: "removed", node: "noiseLatent", type: "NoiseLatent" },
    { kind: "changed", node: "textEncode", type: "TextEncode", socket: "prompt", before: "–", after: "rain" },
    { kind: "changed", node: "save", type: "Save", socket: "mode", before: "–", after: "mute" },
    { kind: "added", node: "grid", type: "Grid" },
    { kind: "rewired", node: "sampler", type: "Sampler", socket: "latent", before: "noiseLatent.latent", after: "–" },
  ]);
});
