import { useId } from "react";
import type { WidgetProps } from "./types";

/** Text, in one line or several. Typing is one step of undo per pause. */
export function TextWidget({ home, socket, value, label, invalid, describedBy, onChange }: WidgetProps) {
  const text = typeof value === "string" ? value : value === null ? "" : String(value);
  const gesture = `type:${home.node}:${home.socket}`;
  const list = useId();
  const suggestions = socket.widget?.suggestions ?? [];
  const placeholder = socket.widget?.placeholder ?? "";
  const limit = socket.info?.limits?.max_length ?? undefined;
  if (socket.widget?.multiline) {
    return (
      <label className={`field field-multiline${invalid ? " field-invalid" : ""}`}>
        <span className="field-label">{label}</span>
        <textarea
          className="field-area nowheel"
          value={text}
          placeholder={placeholder}
          aria-label={label}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          spellCheck={false}
          maxLength={limit}
          onChange={(event) => onChange(event.target.value, gesture)}
          onKeyDown={(event) => {
            if (!((event.ctrlKey || event.metaKey) && event.key === "Enter") && event.key !== "Escape") event.stopPropagation();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </label>
    );
  }
  return (
    <label className={`field${invalid ? " field-invalid" : ""}`}>
      <span className="field-label">{label}</span>
      <input
        className="field-input"
        value={text}
        placeholder={placeholder}
        aria-label={label}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        spellCheck={false}
        maxLength={limit}
        list={suggestions.length > 0 ? list : undefined}
        onChange={(event) => onChange(event.target.value, gesture)}
        onKeyDown={(event) => {
          if (!((event.ctrlKey || event.metaKey) && event.key === "Enter")) event.stopPropagation();
          if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {suggestions.length > 0 && (
        <datalist id={list}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </label>
  );
}
