import { Icon } from "../shared/Icon";
import type { WidgetProps } from "./types";

/** One of several values. A value that is no longer offered stays visible as such. */
export function ChoiceWidget({ socket, value, label, invalid, describedBy, onChange }: WidgetProps) {
  const choices = socket.widget?.choices ?? [];
  const index = choices.findIndex((choice) => choice === value);
  return (
    <label className={`field field-choice${invalid ? " field-invalid" : ""}`}>
      <span className="field-label">{label}</span>
      <span className="field-value">{value === null ? "–" : String(value)}</span>
      <Icon name="chevron" size={14} />
      <select
        aria-label={label}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        value={index}
        onChange={(event) => onChange(choices[Number(event.target.value)])}
      >
        {index < 0 && (
          <option value={-1} disabled>
            {value === null ? "–" : String(value)}
          </option>
        )}
        {choices.map((choice, place) => (
          <option key={String(choice)} value={place}>
            {String(choice)}
          </option>
        ))}
      </select>
    </label>
  );
}
