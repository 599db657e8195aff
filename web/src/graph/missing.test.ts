import { describe, expect, it } from "vitest";
import type { NodeRecord, WorkflowDocument } from "./document";
import { apartFromMissing } from "./missing";
import { CATALOGUE, nodeType, pipeline } from "./testing";

const WITH_OUTPUT = new Map([...CATALOGUE, ["Save", nodeType("Save", CATALOGUE.get("Save")?.inputs.slice() ?? [], [], { output: true })]]);

const withNodes = (more: Readonly<Record<string, NodeRecord>>, ...wires: [string, string, string, string][]): WorkflowDocument => {
  const document = pipeline();
  const edges = wires.map(([from, output, to, input]) => ({ from: { node: from, socket: output }, to: { node: to, socket: input } }));
  return { ...document, nodes: { ...document.nodes, ...more }, edges: [...document.edges, ...edges] };
};

describe("what runs without missing nodes", () => {
  it("is everything where none is missing, and where the missing one is muted", () => {
    expect(apartFromMissing(pipeline(), WITH_OUTPUT)).toBeUndefined();
    expect(apartFromMissing(withNodes({ odd: { type: "gone.X", values: {}, mode: "mute" } }), WITH_OUTPUT)).toBeUndefined();
  });
  it("is what does not read one, however far upstream", () => {
    const document = withNodes(
      { odd: { type: "gone.X", values: {} }, late: { type: "Sampler", values: {} }, other: { type: "Save", values: {} } },
      ["odd", "latent", "late", "latent"],
      ["late", "latent", "other", "latent"],
    );
    expect(apartFromMissing(document, WITH_OUTPUT)).toEqual({ targets: ["save"], leftOut: ["other"] });
  });
  it("leaves the refusal to the server where nothing could run", () => {
    const document = { ...withNodes({ odd: { type: "gone.X", values: {} } }), edges: [] };
    const wired = { ...document, edges: [{ from: { node: "odd", socket: "latent" }, to: { node: "save", socket: "latent" } }] };
    expect(apartFromMissing(wired, WITH_OUTPUT)).toBeUndefined();
  });
  it("counts a missing node inside of a sub-graph for the sub-graph", () => {
    const body = { nodes: { lost: { type: "gone.X", values: {} } }, edges: [], inputs: {}, outputs: { latent: ["lost", "latent"] } };
    const document = withNodes(
      { group: { type: "Subgraph", values: { body } }, other: { type: "Save", values: {} } },
      ["group", "latent", "other", "latent"],
    );
    expect(apartFromMissing(document, WITH_OUTPUT)).toEqual({ targets: ["save"], leftOut: ["other"] });
  });
});
