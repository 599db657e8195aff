/** Which results a form shows. They are kept in `meta.form.outputs`; without a choice, all nodes that save or show something. */

import type { JsonObject, NodeId, WorkflowDocument } from "./document";
import type { Catalogue } from "./sockets";

/** The nodes that were chosen, in the order in which they were. */
function chosen(document: WorkflowDocument): readonly NodeId[] | undefined {
  const { form } = document.meta;
  if (typeof form !== "object" || form === null || Array.isArray(form) || !Array.isArray(form.outputs)) return undefined;
  return form.outputs.filter((id): id is string => typeof id === "string");
}

/** The nodes whose results a form shows. */
export function formOutputs(document: WorkflowDocument, catalogue: Catalogue): readonly NodeId[] {
  const all = Object.entries(document.nodes)
    .filter(([, record]) => record.mode !== "mute" && catalogue.get(record.type)?.output === true)
    .map(([id]) => id);
  return chosen(document)?.filter((id) => id in document.nodes) ?? all;
}

/** Show a node's results in the form, or no longer. */
export function toggleFormOutput(node: NodeId, catalogue: Catalogue): (document: WorkflowDocument) => WorkflowDocument {
  return (document) => {
    const now = formOutputs(document, catalogue);
    const outputs = now.includes(node) ? now.filter((id) => id !== node) : [...now, node];
    const { form } = document.meta;
    const kept: JsonObject = typeof form === "object" && form !== null && !Array.isArray(form) ? form : {};
    return { ...document, meta: { ...document.meta, form: { ...kept, outputs } } };
  };
}
