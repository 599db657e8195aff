import type { WidgetProps } from "./types";

/** A colour, as `#rrggbb`. */
export function ColorWidget({ home, value, label, onChange }: WidgetProps) {
  const color = typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value : "#000000";
  return (
    <label className="field field-color">
      <span className="field-label">{label}</span>
      <span className="field-value">{color}</span>
      <input
        type="color"
        aria-label={label}
        value={color}
        onChange={(event) => onChange(event.target.value, `color:${home.node}:${home.socket}`)}
      />
    </label>
  );
}
