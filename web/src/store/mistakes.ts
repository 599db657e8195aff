/** The mistakes of the document, by node; computed a moment after each change. */

import { create } from "zustand";
import { mistakesOf, type Mistake } from "../graph/validate";
import type { NodeId } from "../graph/document";
import { useEditor } from "./editor";

export interface MistakesState {
  readonly all: readonly Mistake[];
  readonly byNode: ReadonlyMap<NodeId, readonly Mistake[]>;
}

export const useMistakes = create<MistakesState>(() => ({ all: [], byNode: new Map() }));

/** Judge the document now. Lists of nodes whose mistakes did not change keep their identity. */
export function judgeDocument(): void {
  const { document, catalogue } = useEditor.getState();
  if (catalogue.size === 0) return;
  const all = mistakesOf(document, catalogue);
  const before = useMistakes.getState().byNode;
  const byNode = new Map<NodeId, Mistake[]>();
  for (const mistake of all) byNode.set(mistake.node, [...(byNode.get(mistake.node) ?? []), mistake]);
  const kept = new Map<NodeId, readonly Mistake[]>();
  for (const [id, list] of byNode) {
    const old = before.get(id);
    kept.set(id, old && JSON.stringify(old) === JSON.stringify(list) ? old : list);
  }
  useMistakes.setState({ all, byNode: kept });
}

/** Judge again after each change of document or node types. Returns how to stop. */
export function watchMistakes(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return useEditor.subscribe((state, before) => {
    const same =
      state.document.nodes === before.document.nodes &&
      state.document.edges === before.document.edges &&
      state.catalogue === before.catalogue;
    if (same) return;
    clearTimeout(timer);
    timer = setTimeout(judgeDocument, 120);
  });
}
