import type { JsonValue } from "../../graph/document";

/** A value of a node whose type is not known: kept and shown, not editable. */
export function GhostValue({ value }: { readonly value: JsonValue | undefined }) {
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return <span className="ghost-value">{text.length > 40 ? `${text.slice(0, 40)}…` : text}</span>;
}
