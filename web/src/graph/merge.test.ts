import { describe, expect, it } from "vitest";
import { addNode, connect, disconnect, moveNodes, removeNodes, setValue } from "./commands";
import { mergeDocuments, tally } from "./merge";
import { pipeline } from "./testing";

describe("two documents in one picture", () => {
  it("keeps what is gone where it stood, and marks what is new and what changed", () => {
    const before = moveNodes({ noiseLatent: { x: 800, y: 1600 } })(pipeline());
    const changed = setValue("textEncode", "prompt", "rain")(removeNodes(new Set(["noiseLatent"]))(before));
    const after = addNode(changed, "Grid", { x: 8, y: 16 }).document;
    const merged = mergeDocuments(before, after);
    expect(merged.nodes.get("noiseLatent")).toBe("removed");
    expect(merged.document.layout.nodes.noiseLatent).toMatchObject({ x: 800, y: 1600 });
    expect(merged.nodes.get("grid")).toBe("added");
    expect(merged.nodes.get("textEncode")).toBe("changed");
    expect(merged.nodes.get("save")).toBe("same");
    expect(merged.edges.filter(({ fate }) => fate === "removed").map(({ edge }) => edge.from.node)).toContain("noiseLatent");
  });

  it("shows a wire that was laid anew as the old one and the new one", () => {
    const before = pipeline();
    const second = addNode(before, "NoiseLatent", { x: 0, y: 0 });
    const after = connect({ node: second.id, socket: "latent" }, { node: "sampler", socket: "latent" })(
      disconnect(new Set(["sampler|latent"]))(second.document),
    );
    const here = mergeDocuments(before, after).edges.filter(({ edge }) => edge.to.node === "sampler" && edge.to.socket === "latent");
    expect(here.map(({ edge, fate }) => [edge.from.node, fate])).toEqual([["noiseLatent", "removed"], [second.id, "added"]]);
  });

  it("finds nothing between a document and itself", () => {
    const merged = mergeDocuments(pipeline(), moveNodes({ save: { x: 1, y: 1 } })(pipeline()));
    expect(tally(merged)).toEqual({ added: 0, removed: 0, changed: 0 });
  });
});
