/**
 * Undo and redo over immutable documents.
 *
 * Decisions: every change of the document is a step, also of layout and values and the opening of another file. Changes
 * with the same merge key that follow within a second (typing, dragging a number) are one step. The viewport, the
 * selection and running are not steps. What redo could have brought back is never thrown away by a new change: it
 * moves to `branches`, from where the history panel restores it.
 */

import { EMPTY_DOCUMENT, type WorkflowDocument } from "./document";

export interface Step {
  readonly document: WorkflowDocument;
  /** A key of the message catalogue: what was done to reach this document. */
  readonly label: string;
  readonly at: number;
}

export interface History {
  readonly past: readonly Step[];
  readonly present: Step;
  readonly future: readonly Step[];
  readonly branches: readonly Step[];
  readonly mergeKey: string | undefined;
}

const MERGE_MS = 1000;
const MAX_STEPS = 2000;
const MAX_BRANCHES = 50;

export function startHistory(document: WorkflowDocument = EMPTY_DOCUMENT, at = 0): History {
  return { past: [], present: { document, label: "step.start", at }, future: [], branches: [], mergeKey: undefined };
}

/** Take a change in. The same document is no change. */
export function commit(
  history: History,
  document: WorkflowDocument,
  label: string,
  at: number,
  mergeKey?: string,
): History {
  if (document === history.present.document) return history;
  const step: Step = { document, label, at };
  const merges = mergeKey !== undefined && mergeKey === history.mergeKey && at - history.present.at < MERGE_MS;
  const lost = history.future.at(-1);
  return {
    past: merges && history.future.length === 0 ? history.past : [...history.past, history.present].slice(-MAX_STEPS),
    present: step,
    future: [],
    branches: lost ? [...history.branches, lost].slice(-MAX_BRANCHES) : history.branches,
    mergeKey,
  };
}

/** Replace the document without a step: for the viewport. */
export function amend(history: History, document: WorkflowDocument): History {
  return { ...history, present: { ...history.present, document } };
}

export function undo(history: History): History {
  const previous = history.past.at(-1);
  if (previous === undefined) return history;
  return {
    ...history,
    past: history.past.slice(0, -1),
    present: previous,
    future: [history.present, ...history.future],
    mergeKey: undefined,
  };
}

export function redo(history: History): History {
  const [next, ...later] = history.future;
  if (next === undefined) return history;
  return { ...history, past: [...history.past, history.present], present: next, future: later, mergeKey: undefined };
}

/** Go to any step of the line, or bring a kept branch back as a new step. */
export function jump(history: History, step: Step, at: number): History {
  const line = [...history.past, history.present, ...history.future];
  const index = line.indexOf(step);
  if (index < 0) return commit(history, step.document, "step.restore", at);
  return {
    ...history,
    past: line.slice(0, index),
    present: step,
    future: line.slice(index + 1),
    mergeKey: undefined,
  };
}
