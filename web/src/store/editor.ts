/** The open document with its history, where in it the person is, what is selected, and the node types known. */

import { create } from "zustand";
import { amend, commit, jump, redo, startHistory, undo, type History, type Step } from "../graph/history";
import { EMPTY_DOCUMENT, type NodeId, type WorkflowDocument } from "../graph/document";
import { changedScope, findPath, viewAt, within, type Scope } from "../graph/bodies";
import { withFirstValues } from "../graph/nesting";
import type { Catalogue } from "../graph/sockets";
import type { NodeTypeInfo } from "../api/protocol";

export interface Selection {
  readonly nodes: ReadonlySet<NodeId>;
  readonly edges: ReadonlySet<string>;
  readonly notes: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

const WHOLE: Scope = [];

export const NOTHING: Selection = { nodes: new Set(), edges: new Set(), notes: new Set(), groups: new Set() };

export interface EditorState {
  readonly history: History;
  /** The whole document: what is saved, run and shared. */
  readonly document: WorkflowDocument;
  /** What is seen on the canvas: the whole, or the inside of a sub-graph. Commands by `apply` work on it. */
  readonly view: WorkflowDocument;
  readonly selection: Selection;
  readonly catalogue: Catalogue;
  readonly types: readonly NodeTypeInfo[];
  /** Changes with every opened file and entered sub-graph, so that the canvas can move there. */
  readonly opened: number;
  /** The nodes that are entered, from the outside in; empty is the whole. */
  readonly scope: Scope;
}

export const useEditor = create<EditorState>(() => ({
  history: startHistory(),
  document: EMPTY_DOCUMENT,
  view: EMPTY_DOCUMENT,
  selection: NOTHING,
  catalogue: new Map(),
  types: [],
  opened: 0,
  scope: WHOLE,
}));

const now = (): number => Date.now();

function take(history: History, scope: Scope = useEditor.getState().scope): void {
  const { document } = history.present;
  let inside = scope;
  let view = viewAt(document, inside);
  while (view === undefined) {
    inside = inside.slice(0, -1);
    view = viewAt(document, inside);
  }
  useEditor.setState({ history, document, view, scope: inside.length === 0 ? WHOLE : inside });
}

/** Apply a command to what is seen, as one undoable step. `label` is a key of the message catalogue. */
export function apply(
  command: (document: WorkflowDocument) => WorkflowDocument,
  label: string,
  mergeKey?: string,
): void {
  applyIn(useEditor.getState().scope, command, label, mergeKey);
}

/** Apply a command to the whole document: for what does not belong to the sub-graph that is seen. */
export function applyWhole(
  command: (document: WorkflowDocument) => WorkflowDocument,
  label: string,
  mergeKey?: string,
): void {
  applyIn(WHOLE, command, label, mergeKey);
}

/** Apply a command to the document inside of the named nodes. */
export function applyIn(
  scope: Scope,
  command: (document: WorkflowDocument) => WorkflowDocument,
  label: string,
  mergeKey?: string,
): void {
  const { history, catalogue } = useEditor.getState();
  const before = history.present.document;
  let after = within(scope, command)(before);
  const id = scope.at(-1);
  if (after !== before && id !== undefined) after = within(scope.slice(0, -1), (outer) => withFirstValues(outer, id, catalogue))(after);
  take(commit(history, after, label, now(), mergeKey));
}

/** Open another document. It is a step like any other: undo brings back what was open. */
export function openDocument(document: WorkflowDocument, label = "step.open"): void {
  const state = useEditor.getState();
  take(commit(state.history, document, label, now()), WHOLE);
  useEditor.setState({ selection: NOTHING, opened: state.opened + 1 });
}

/** Begin with a document without history: at start. */
export function startWith(document: WorkflowDocument): void {
  const state = useEditor.getState();
  take(startHistory(document, now()), WHOLE);
  useEditor.setState({ selection: NOTHING, opened: state.opened + 1 });
}

/** Go inside of the named nodes, or out again. What was left is selected where it stands. */
export function enter(scope: Scope): void {
  const state = useEditor.getState();
  if (viewAt(state.document, scope) === undefined) return;
  const left = state.scope[scope.length];
  const inOrder = scope.every((id, place) => state.scope[place] === id);
  take(state.history, scope);
  useEditor.setState({
    selection: inOrder && left !== undefined ? { ...NOTHING, nodes: new Set([left]) } : NOTHING,
    opened: state.opened + 1,
  });
}

/** Remember the viewport in the document without a step. */
export function rememberViewport(viewport: { x: number; y: number; zoom: number }): void {
  const { history, scope } = useEditor.getState();
  const remember = (view: WorkflowDocument): WorkflowDocument => ({ ...view, layout: { ...view.layout, viewport } });
  take(amend(history, within(scope, remember)(history.present.document)));
}

export function undoStep(): void {
  travel(undo(useEditor.getState().history));
}

export function redoStep(): void {
  travel(redo(useEditor.getState().history));
}

export function jumpTo(step: Step): void {
  travel(jump(useEditor.getState().history, step, now()));
}

/** Go to another step, and to the sub-graph in which it changes something, so that the change is seen. */
function travel(history: History): void {
  const before = useEditor.getState();
  const scope = changedScope(before.document, history.present.document);
  const seen = before.view !== viewAt(history.present.document, before.scope);
  const elsewhere = history.present.document !== before.document && (!seen || scope.length < before.scope.length);
  take(history, elsewhere ? scope : before.scope);
  const { selection, view, opened } = useEditor.getState();
  const moved = useEditor.getState().scope.join("/") !== before.scope.join("/");
  const nodes = new Set(moved ? [] : [...selection.nodes].filter((id) => id in view.nodes));
  if (moved) useEditor.setState({ selection: NOTHING, opened: opened + 1 });
  else if (nodes.size !== selection.nodes.size) useEditor.setState({ selection: { ...selection, nodes } });
}

/** Go to where a node stands, by its path, and select it. */
export function showNode(path: string): void {
  const { document, scope } = useEditor.getState();
  const found = findPath(document, path);
  if (!found) return;
  if (found.scope.join("/") !== scope.join("/")) enter(found.scope);
  selectNodes([found.id]);
}

export function select(change: Partial<Selection>): void {
  useEditor.setState((state) => ({ selection: { ...state.selection, ...change } }));
}

export function selectNodes(ids: Iterable<NodeId>): void {
  useEditor.setState({ selection: { ...NOTHING, nodes: new Set(ids) } });
}

export function setNodeTypes(types: readonly NodeTypeInfo[]): void {
  useEditor.setState({ types, catalogue: new Map(types.map((info) => [info.id, info])) });
}
