import { useState } from "react";
import type { JsonValue } from "../../graph/document";
import type { WidgetProps } from "./types";

/** A value that has no form of its own, as JSON text. It is taken when it is complete. */
export function JsonWidget({ value, label, describedBy, onChange }: WidgetProps) {
  const [draft, setDraft] = useState<string>();
  const [broken, setBroken] = useState(false);
  const finish = (): void => {
    if (draft === undefined) return;
    try {
      onChange(draft.trim() === "" ? undefined : (JSON.parse(draft) as JsonValue));
      setDraft(undefined);
      setBroken(false);
    } catch {
      setBroken(true);
    }
  };
  return (
    <label className={`field field-multiline${broken ? " field-invalid" : ""}`}>
      <span className="field-label">{label}</span>
      <textarea
        className="field-area field-code nowheel"
        aria-label={label}
        aria-invalid={broken}
        aria-describedby={describedBy}
        spellCheck={false}
        value={draft ?? (value === null ? "" : JSON.stringify(value, null, 1))}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => event.stopPropagation()}
      />
    </label>
  );
}
