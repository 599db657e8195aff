import { expect, it } from "vitest";
import { addNode, removeNodes } from "./commands";
import { formOutputs, toggleFormOutput } from "./form";
import { CATALOGUE, pipeline } from "./testing";

it("shows all results until some are chosen, and forgets nodes that are gone", () => {
  const { document } = addNode(pipeline(), "Save", { x: 0, y: 0 });
  expect(formOutputs(document, CATALOGUE)).toEqual(["save", "save2"]);
  const one = toggleFormOutput("save", CATALOGUE)(document);
  expect(formOutputs(one, CATALOGUE)).toEqual(["save2"]);
  expect(formOutputs(removeNodes(new Set(["save2"]))(one), CATALOGUE)).toEqual([]);
  expect(formOutputs(toggleFormOutput("save", CATALOGUE)(one), CATALOGUE)).toEqual(["save2", "save"]);
});
