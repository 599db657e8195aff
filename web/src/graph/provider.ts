/** Which plugin a node type belongs to, as far as a document tells. */

import type { WorkflowDocument } from "./document";

/** The plugin of a type that is not known here: its name, with the version that the document asks for. */
export function providerOf(document: WorkflowDocument, type: string): string | undefined {
  const dot = type.indexOf(".");
  if (dot <= 0) return undefined; // a built-in type of another version
  const name = type.slice(0, dot);
  const { plugins } = document.requires;
  const wanted = typeof plugins === "object" && plugins !== null && !Array.isArray(plugins) ? plugins[name] : undefined;
  const version = typeof wanted === "object" && wanted !== null && !Array.isArray(wanted) ? wanted.version : wanted;
  return typeof version === "string" && version !== "" ? `${name} ${version}` : name;
}
