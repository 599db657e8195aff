import { describe, expect, it } from "vitest";
import type { NodeRecord, WorkflowDocument } from "./document";
import { whatRuns, withResting } from "./resting";
import { CATALOGUE, pipeline } from "./testing";
import { mistakesOf } from "./validate";

type Wire = readonly [string, string, string, string];

const withNodes = (more: Readonly<Record<string, NodeRecord>>, ...wires: Wire[]): WorkflowDocument => {
  const document = pipeline();
  const edges = wires.map(([from, output, to, input]) => ({ from: { node: from, socket: output }, to: { node: to, socket: input } }));
  return { ...document, nodes: { ...document.nodes, ...more }, edges: [...document.edges, ...edges] };
};
const node = (type: string, more: Partial<NodeRecord> = {}): NodeRecord => ({ type, values: {}, ...more });
const found = (document: WorkflowDocument): { targets: readonly string[] | undefined; resting: string[] } => {
  const { targets, resting } = whatRuns(document, CATALOGUE, mistakesOf(document, CATALOGUE));
  return { targets, resting: [...resting].sort() };
};
const EVERYTHING = { targets: undefined, resting: [] };

describe("what runs", () => {
  it("is everything where none is missing, and where the missing one is muted", () => {
    expect(found(pipeline())).toEqual(EVERYTHING);
    expect(found(withNodes({ odd: node("gone.X", { mode: "mute" }) }))).toEqual(EVERYTHING);
  });
  it("is what does not read a missing node, however far upstream", () => {
    const more = { odd: node("gone.X"), late: node("Grid"), other: node("Save") };
    const document = withNodes(more, ["odd", "latent", "late", "clips.0"], ["late", "latent", "other", "latent"]);
    expect(found(document)).toEqual({ targets: ["save"], resting: ["odd", "other"] });
  });
  it("goes on beside an unfinished node that no result needs", () => {
    expect(found(withNodes({ lonely: node("Sampler") }))).toEqual({ targets: ["save"], resting: ["lonely"] });
  });
  it("leaves to the server to refuse what a result needs, and where nothing could run", () => {
    const broken = withNodes({ other: node("Save"), half: node("Sampler") }, ["half", "latent", "other", "latent"]);
    expect(found(broken)).toEqual(EVERYTHING);
    const lost = { ...withNodes({ odd: node("gone.X") }), edges: [{ from: { node: "odd", socket: "latent" }, to: { node: "save", socket: "latent" } }] };
    expect(found(lost)).toEqual(EVERYTHING);
  });
  it("counts a missing node inside of a sub-graph for the sub-graph", () => {
    const body = { nodes: { lost: { type: "gone.X", values: {} } }, edges: [], inputs: {}, outputs: { latent: ["lost", "latent"] } };
    const document = withNodes({ group: { type: "Subgraph", values: { body } }, other: node("Save") }, ["group", "latent", "other", "latent"]);
    expect(found(document)).toEqual({ targets: ["save"], resting: ["group/lost", "other"] });
    const sound = withResting(document, new Set(["group/lost", "other"]));
    expect(sound.nodes.group?.values.body).toMatchObject({ nodes: { lost: { mode: "mute" } } });
    expect(sound.nodes.other?.mode).toBe("mute");
    expect(sound.nodes.save).toBe(document.nodes.save);
  });
});
