/** The open document with its history, what is selected, and the node types known. */

import { create } from "zustand";
import { amend, commit, jump, redo, startHistory, undo, type History, type Step } from "../graph/history";
import { EMPTY_DOCUMENT, type NodeId, type WorkflowDocument } from "../graph/document";
import type { Catalogue } from "../graph/sockets";
import type { NodeTypeInfo } from "../api/protocol";

export interface Selection {
  readonly nodes: ReadonlySet<NodeId>;
  readonly edges: ReadonlySet<string>;
  readonly notes: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

export const NOTHING: Selection = { nodes: new Set(), edges: new Set(), notes: new Set(), groups: new Set() };

export interface EditorState {
  readonly history: History;
  readonly document: WorkflowDocument;
  readonly selection: Selection;
  readonly catalogue: Catalogue;
  readonly types: readonly NodeTypeInfo[];
  /** Changes with every opened file, so that the view can move there. */
  readonly opened: number;
  /** The sub-graph that is entered; undefined is the whole. */
  readonly scope: string | undefined;
}

export const useEditor = create<EditorState>(() => ({
  history: startHistory(),
  document: EMPTY_DOCUMENT,
  selection: NOTHING,
  catalogue: new Map(),
  types: [],
  opened: 0,
  scope: undefined,
}));

const now = (): number => Date.now();

function take(history: History): void {
  useEditor.setState({ history, document: history.present.document });
}

/** Apply a command as one undoable step. `label` is a key of the message catalogue. */
export function apply(
  command: (document: WorkflowDocument) => WorkflowDocument,
  label: string,
  mergeKey?: string,
): void {
  const { history } = useEditor.getState();
  take(commit(history, command(history.present.document), label, now(), mergeKey));
}

/** Open another document. It is a step like any other: undo brings back what was open. */
export function openDocument(document: WorkflowDocument, label = "step.open"): void {
  const state = useEditor.getState();
  take(commit(state.history, document, label, now()));
  useEditor.setState({ selection: NOTHING, opened: state.opened + 1, scope: undefined });
}

/** Begin with a document without history: at start. */
export function startWith(document: WorkflowDocument): void {
  const state = useEditor.getState();
  take(startHistory(document, now()));
  useEditor.setState({ selection: NOTHING, opened: state.opened + 1, scope: undefined });
}

/** Remember the viewport in the document without a step. */
export function rememberViewport(viewport: { x: number; y: number; zoom: number }): void {
  const { history } = useEditor.getState();
  const { document } = history.present;
  take(amend(history, { ...document, layout: { ...document.layout, viewport } }));
}

export function undoStep(): void {
  take(undo(useEditor.getState().history));
  pruneSelection();
}

export function redoStep(): void {
  take(redo(useEditor.getState().history));
  pruneSelection();
}

export function jumpTo(step: Step): void {
  take(jump(useEditor.getState().history, step, now()));
  pruneSelection();
}

function pruneSelection(): void {
  const { selection, document, scope } = useEditor.getState();
  const nodes = new Set([...selection.nodes].filter((id) => id in document.nodes));
  if (nodes.size !== selection.nodes.size) useEditor.setState({ selection: { ...selection, nodes } });
  if (scope !== undefined && !document.layout.blocks.some((block) => block.id === scope)) {
    useEditor.setState({ scope: undefined });
  }
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
