/**
 * Reusable blocks: sub-graphs that the server keeps as small workflows under `blocks/NAME`. The search offers them like
 * node types; placing one places a copy.
 */

import { create } from "zustand";
import { deleteWorkflow, getWorkflow, listWorkflows, putWorkflow } from "../api/client";
import type { NodeTypeInfo } from "../api/protocol";
import { EMPTY_DOCUMENT, type NodeRecord, type WorkflowDocument } from "../graph/document";
import { normalise } from "../graph/normalise";
import { toJson } from "../graph/serialise";
import { socketsOf, wiringOf, type Catalogue } from "../graph/sockets";
import { useEditor } from "./editor";

export const BLOCKS = "blocks/";

export interface Block {
  readonly name: string;
  readonly version: number;
  readonly record: NodeRecord;
  /** As the search shows it. */
  readonly info: NodeTypeInfo;
}

export const useBlocks = create<{ readonly blocks: readonly Block[] }>(() => ({ blocks: [] }));

const nameOf = (saved: string): string => saved.slice(BLOCKS.length);

/** The block as a node type: its face says what fits it. */
export function blockInfo(name: string, record: NodeRecord, catalogue: Catalogue): NodeTypeInfo {
  const document: WorkflowDocument = { ...EMPTY_DOCUMENT, nodes: { block: record } };
  const sockets = socketsOf(record, wiringOf([]), "block", catalogue, document);
  const inner = sockets.inputs.flatMap((socket) => (socket.info ? [{ ...socket.info, type: socket.type }] : []));
  return {
    id: BLOCKS + name,
    version: 1,
    title: name,
    category: "blocks",
    keywords: ["block", "sub-graph", record.type],
    summary: sockets.inputs.map((socket) => socket.label).join(", "),
    doc: "",
    plugin: "",
    lane: "",
    output: false,
    cached: true,
    experimental: false,
    deprecated: "",
    inputs: inner,
    outputs: [...sockets.outputs],
    dynamic_outputs: null,
  };
}

/** Read the server's blocks; those that are known already are not read again. */
export async function loadBlocks(): Promise<void> {
  const { workflows } = await listWorkflows(BLOCKS);
  const known = new Map(useBlocks.getState().blocks.map((block) => [block.name, block]));
  const { catalogue } = useEditor.getState();
  const found = await Promise.all(
    workflows
      .filter((entry) => entry.name.startsWith(BLOCKS))
      .map(async (entry): Promise<Block | undefined> => {
        const name = nameOf(entry.name);
        const before = known.get(name);
        const record = before?.version === entry.version ? before.record : await readBlock(name);
        return record && { name, version: entry.version, record, info: blockInfo(name, record, catalogue) };
      }),
  );
  useBlocks.setState({ blocks: found.filter((block) => block !== undefined).sort((left, right) => left.name.localeCompare(right.name)) });
}

async function readBlock(name: string): Promise<NodeRecord | undefined> {
  const { document } = normalise(await getWorkflow(BLOCKS + name));
  return Object.values(document.nodes)[0];
}

/** Keep a sub-graph for other workflows. One of the same name gets a new version. */
export async function saveBlock(name: string, record: NodeRecord): Promise<void> {
  const document: WorkflowDocument = {
    ...EMPTY_DOCUMENT,
    nodes: { block: { ...record, title: name } },
    layout: { ...EMPTY_DOCUMENT.layout, nodes: { block: { x: 0, y: 0 } } },
    meta: { title: name },
  };
  await putWorkflow(BLOCKS + name, toJson(document));
  await loadBlocks();
}

export async function deleteBlock(name: string): Promise<void> {
  await deleteWorkflow(BLOCKS + name);
  await loadBlocks();
}

/** A block by the id under which the search shows it. */
export function blockById(id: string): Block | undefined {
  return id.startsWith(BLOCKS) ? useBlocks.getState().blocks.find((block) => block.info.id === id) : undefined;
}
