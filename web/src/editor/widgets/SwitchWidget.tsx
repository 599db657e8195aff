import type { WidgetProps } from "./types";

/** On or off. */
export function SwitchWidget({ value, label, describedBy, onChange }: WidgetProps) {
  const on = value === true;
  return (
    <button
      type="button"
      role="switch"
      className="field field-switch"
      aria-checked={on}
      aria-label={label}
      aria-describedby={describedBy}
      onClick={() => onChange(!on)}
    >
      <span className="field-label">{label}</span>
      <span className={`switch${on ? " switch-on" : ""}`} aria-hidden="true" />
    </button>
  );
}
