import { useState } from "react";
import { useT } from "../useT";
import type { WidgetProps } from "./types";

const COLOR = /^#[0-9a-f]{6}$/i;

/** `#f80`, `ff8800` or `#FF8800` as `#ff8800`; undefined for anything else. */
function colorOf(text: string): string | undefined {
  const digits = text.trim().replace(/^#/, "").toLowerCase();
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits;
  return COLOR.test(`#${long}`) ? `#${long}` : undefined;
}

/** A colour as `#rrggbb`: typed, or chosen from the browser's palette. */
export function ColorWidget({ home, value, label, invalid, describedBy, onChange }: WidgetProps) {
  const t = useT();
  const [draft, setDraft] = useState<string>();
  const text = typeof value === "string" ? value : "";
  const puzzled = draft !== undefined && colorOf(draft) === undefined;
  const finish = (): void => {
    const color = draft === undefined ? undefined : colorOf(draft);
    if (color !== undefined && color !== value) onChange(color);
    setDraft(undefined);
  };
  return (
    <div className={`field field-color${invalid || puzzled ? " field-invalid" : ""}`}>
      <span className="field-label">{label}</span>
      <input
        className="field-input"
        value={draft ?? text}
        aria-label={label}
        aria-invalid={invalid || puzzled}
        aria-describedby={describedBy}
        spellCheck={false}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") setDraft(undefined);
          if (event.key === "Enter") finish();
        }}
      />
      <input
        type="color"
        aria-label={t("color.pick", { name: label })}
        value={COLOR.test(text) ? text.toLowerCase() : "#000000"}
        onChange={(event) => onChange(event.target.value, `color:${home.node}:${home.socket}`)}
      />
    </div>
  );
}
