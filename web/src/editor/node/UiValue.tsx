import type { JsonObject, JsonValue } from "../../graph/document";

const text = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

/** What a node shows besides files: text, numbers, small tables. */
export function UiValue({ value }: { readonly value: JsonObject }) {
  return (
    <dl className="ui-value nowheel">
      {Object.entries(value).map(([name, part]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text(part)}</dd>
        </div>
      ))}
    </dl>
  );
}
