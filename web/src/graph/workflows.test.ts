/**
 * The workflows that are shipped, as the canvas places them. After a change of nodes `ARRANGE=1 npx vitest run workflows`
 * puts those whose nodes overlap in layers and writes them.
 */

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { JsonObject, NodeTypeInfo } from "../api/protocol";
import { autoLayout } from "./arrange";
import { moveNodes } from "./commands";
import type { WorkflowDocument } from "./document";
import { writeNormal } from "./normalForm";
import { normalise } from "./normalise";
import { makePlacer, rectOf, type PlacedNodes } from "./place";
import { layoutJson } from "./serialise";

const FOLDER = fileURLToPath(new URL("../../../workflows/", import.meta.url));
const TYPES = JSON.parse(readFileSync(new URL("../../fake-server/node-types.json", import.meta.url), "utf8")) as NodeTypeInfo[];
const CATALOGUE = new Map(TYPES.map((info) => [info.id, info]));
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));

const read = (file: string): JsonObject => JSON.parse(readFileSync(FOLDER + file, "utf8")) as JsonObject;

function placedIn(document: WorkflowDocument): PlacedNodes {
  return makePlacer()(document, CATALOGUE, (_path, info) => ({ media: info?.output === true, footer: true }));
}

function arranged(data: JsonObject): JsonObject {
  const { document } = normalise(data);
  const placed = placedIn(document);
  if (overlaps(placed).length === 0) return data;
  const rects = Object.fromEntries([...placed.values()].map((node) => [node.id, rectOf(node)]));
  return { ...data, layout: layoutJson(moveNodes(autoLayout(rects, document.edges))(document).layout) };
}

/** Pairs of nodes of which one covers a part of the other. */
function overlaps(placed: PlacedNodes): string[] {
  const nodes = [...placed.values()].map((node) => ({ id: node.id, ...rectOf(node) }));
  return nodes.flatMap((left, place) =>
    nodes
      .slice(place + 1)
      .filter((right) => left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height)
      .map((right) => `${left.id} ${right.id}`),
  );
}

describe("a shipped workflow", () => {
  it.each(FILES)("%s opens with no node over another", (file) => {
    if (process.env.ARRANGE) writeFileSync(FOLDER + file, writeNormal(arranged(read(file))));
    expect(overlaps(placedIn(normalise(read(file)).document))).toEqual([]);
  });
});
