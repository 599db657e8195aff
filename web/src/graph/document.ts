/**
 * The workflow document in memory: immutable, so that a snapshot is a reference and an unchanged node stays identical.
 *
 * Positions and other looks live under `layout`, apart from what is computed. Fields that this version does not know
 * are carried in `extra` and written back as they came.
 */

import type { JsonObject, JsonValue } from "../api/protocol";

export type { JsonObject, JsonValue };
export type NodeId = string;
export type NodeMode = "bypass" | "mute";

export interface NodeRecord {
  readonly type: string;
  readonly values: Readonly<Record<string, JsonValue>>;
  readonly title?: string;
  readonly mode?: NodeMode;
  readonly extra?: JsonObject;
}

export interface SocketRef {
  readonly node: NodeId;
  readonly socket: string;
}

export interface Edge {
  readonly from: SocketRef;
  readonly to: SocketRef;
  readonly extra?: JsonObject;
}

export interface NodeLayout {
  readonly x: number;
  readonly y: number;
  readonly width?: number;
  readonly collapsed?: boolean;
  readonly advanced?: boolean;
  readonly color?: string;
  readonly extra?: JsonObject;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Group extends Rect {
  readonly id: string;
  readonly title: string;
  readonly color?: string;
}

export interface Note extends Rect {
  readonly id: string;
  readonly text: string;
  readonly color?: string;
}

export interface Layout {
  readonly nodes: Readonly<Record<NodeId, NodeLayout>>;
  readonly groups: readonly Group[];
  readonly notes: readonly Note[];
  readonly viewport?: { readonly x: number; readonly y: number; readonly zoom: number };
  readonly extra?: JsonObject;
}

export interface WorkflowInput {
  readonly node: NodeId;
  readonly socket: string;
  readonly label?: string;
  readonly doc?: string;
}

export interface WorkflowDocument {
  readonly nodes: Readonly<Record<NodeId, NodeRecord>>;
  readonly edges: readonly Edge[];
  readonly layout: Layout;
  readonly inputs: Readonly<Record<string, WorkflowInput>>;
  readonly requires: JsonObject;
  readonly meta: JsonObject;
  readonly extra?: JsonObject;
}

export const EMPTY_LAYOUT: Layout = { nodes: {}, groups: [], notes: [] };

export const EMPTY_DOCUMENT: WorkflowDocument = {
  nodes: {},
  edges: [],
  layout: EMPTY_LAYOUT,
  inputs: {},
  requires: {},
  meta: {},
};

/** A wire is named by where it ends, because an input takes one wire. */
export function edgeId(edge: Edge): string {
  return `${edge.to.node}|${edge.to.socket}`;
}

/** A node id that is free in the document: readable, from the type's last word, with a number. */
export function freshId(taken: Readonly<Record<string, unknown>>, type: string): NodeId {
  const tail = type.split(".").at(-1) ?? type;
  const base = tail.replace(/[^A-Za-z0-9]+/g, "").replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+/, (head) => head.toLowerCase()) || "node";
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}${number}`;
    if (!(id in taken)) return id;
  }
}

/** An id that no element of the list has. */
export function freshElementId(elements: readonly { readonly id: string }[], prefix: string): string {
  const taken = new Set(elements.map((element) => element.id));
  for (let number = 1; ; number += 1) {
    const id = `${prefix}${number}`;
    if (!taken.has(id)) return id;
  }
}

/** Whether nothing is on the canvas. */
export function isEmpty(document: WorkflowDocument): boolean {
  return Object.keys(document.nodes).length === 0 && document.layout.notes.length === 0;
}
