import { useMemo } from "react";
import { INPUTS, findPath, viewAt } from "../../graph/bodies";
import type { JsonValue, SocketRef, WorkflowDocument } from "../../graph/document";
import { originOf } from "../../graph/homes";
import { useEditor } from "../../store/editor";
import { useRun } from "../../store/run";

/** The outputs that are wired to the node of an input, as text that changes only with them. */
function sourcesOf(document: WorkflowDocument, { node }: SocketRef): string {
  const found = findPath(document, node);
  const view = found && viewAt(document, found.scope);
  if (!found || !view) return "";
  const ends = view.edges.filter((edge) => edge.to.node === found.id && edge.from.node !== INPUTS);
  return ends.map((edge) => originOf(document, found.scope, edge.from)).map(({ node: at, socket }) => `${at}\n${socket}`).join("\t");
}

/**
 * What an input without a value takes from what is wired to its node: a sampler's `steps` from the model that says how
 * many steps it wants. Known as soon as the plan tells the facts.
 */
export function useAutomatic(home: SocketRef, value: JsonValue): number | undefined {
  const sources = useEditor((state) => (value === null ? sourcesOf(state.document, home) : ""));
  const facts = useRun((state) => (sources === "" ? undefined : state.facts));
  return useMemo(() => {
    for (const source of sources === "" ? [] : sources.split("\t")) {
      const [node = "", socket = ""] = source.split("\n");
      const known = facts?.[node]?.[socket]?.[home.socket];
      if (typeof known === "number") return known;
    }
    return undefined;
  }, [sources, facts, home.socket]);
}
