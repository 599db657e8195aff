import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { evaluate } from "../../graph/expression";
import { clampNumber, rangeText } from "../../graph/validate";
import { useT } from "../useT";
import { useAutomatic } from "./useAutomatic";
import type { WidgetProps } from "./types";

function stepOf(props: WidgetProps, whole: boolean): number {
  const limits = props.socket.info?.limits;
  if (limits?.multiple_of) return limits.multiple_of;
  if (props.socket.widget?.step) return props.socket.widget.step;
  if (whole) return 1;
  const [low, high] = [limits?.ge ?? limits?.gt, limits?.le ?? limits?.lt];
  return low !== null && low !== undefined && high !== null && high !== undefined ? (high - low) / 100 : 0.1;
}

function shown(value: number, whole: boolean): string {
  if (whole || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

/**
 * A number: drag sideways to change it, click to type it or an expression, arrow keys to step, Delete for its default.
 * A slider follows the pointer over its whole range.
 */
export function NumberWidget(props: WidgetProps) {
  const t = useT();
  const { socket, value, label, invalid, describedBy, onChange } = props;
  const classes = socket.type.classes;
  const whole = classes.includes("int") && !classes.includes("float");
  const limits = socket.info?.limits ?? null;
  const automatic = useAutomatic(props.home, value);
  const number = typeof value === "number" ? value : (automatic ?? 0);
  const step = stepOf(props, whole);
  const [editing, setEditing] = useState<string>();
  const drag = useRef<{ x: number; start: number; width: number; moved: boolean; id: string }>(undefined);
  const [low, high] = [limits?.ge ?? limits?.gt, limits?.le ?? limits?.lt];
  const bounded = low != null && high != null && high > low && high - low < 1e6;

  const set = (wanted: number, gesture?: string): void => onChange(clampNumber(wanted, limits, whole), gesture);

  const finish = (): void => {
    if (editing === undefined) return;
    const result = evaluate(editing);
    if (result !== undefined) set(result);
    else if (editing.trim() === "") onChange(undefined);
    setEditing(undefined);
  };
  const puzzled = editing !== undefined && editing.trim() !== "" && evaluate(editing) === undefined;

  const onKeyDown = (event: KeyboardEvent): void => {
    const size = event.shiftKey ? step * 10 : step;
    if (event.key === "ArrowUp" || event.key === "ArrowRight") set(number + size);
    else if (event.key === "ArrowDown" || event.key === "ArrowLeft") set(number - size);
    else if (event.key === "Enter" || event.key === " " || /^[-\d.(]$/.test(event.key)) {
      setEditing(/^[-\d.(]$/.test(event.key) ? event.key : shown(number, whole));
    } else if (event.key === "Home" && limits?.ge != null) set(limits.ge);
    else if (event.key === "End" && limits?.le != null) set(limits.le);
    else if (event.key === "Delete" || event.key === "Backspace") onChange(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onPointerDown = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const { width } = event.currentTarget.getBoundingClientRect();
    drag.current = { x: event.clientX, start: number, width, moved: false, id: `drag:${props.home.node}:${props.home.socket}:${Date.now()}` };
  };
  const onPointerMove = (event: PointerEvent): void => {
    const state = drag.current;
    if (!state) return;
    const distance = event.clientX - state.x;
    if (!state.moved && Math.abs(distance) < 3) return;
    state.moved = true;
    const steps = bounded && socket.widget?.kind === "slider" ? (distance / state.width) * ((high - low) / step) : distance * 0.5;
    set(state.start + Math.round(event.shiftKey ? steps / 5 : steps) * step, state.id);
  };
  const onPointerUp = (): void => {
    const state = drag.current;
    drag.current = undefined;
    if (state && !state.moved) setEditing(shown(number, whole));
  };

  if (editing !== undefined) {
    return (
      <label className={`field field-editing${puzzled ? " field-invalid" : ""}`} title={puzzled ? t("number.puzzled") : undefined}>
        <span className="field-label">{label}</span>
        {limits && <span className="field-range">{rangeText(limits)}</span>}
        <input
          className="field-input"
          autoFocus
          value={editing}
          inputMode="decimal"
          aria-label={label}
          aria-invalid={puzzled}
          onFocus={(event) => {
            if (event.target.value === shown(number, whole)) event.target.select();
          }}
          onChange={(event) => setEditing(event.target.value)}
          onBlur={finish}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter" && !puzzled) finish();
            if (event.key === "Escape") setEditing(undefined);
          }}
        />
      </label>
    );
  }
  const auto = automatic === undefined ? t("value.auto") : t("value.autoIs", { value: shown(automatic, whole) });
  const share = bounded ? Math.min(1, Math.max(0, (number - low) / (high - low))) : 0;
  return (
    <div
      className={`field field-number${invalid ? " field-invalid" : ""}`}
      role="spinbutton"
      tabIndex={0}
      aria-label={label}
      aria-valuenow={number}
      aria-valuetext={value === null ? auto : undefined}
      aria-valuemin={low ?? undefined}
      aria-valuemax={high ?? undefined}
      aria-invalid={invalid}
      aria-describedby={describedBy}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={() => (drag.current = undefined)}
    >
      {bounded && <span className="field-fill" style={{ transform: `scaleX(${share})` }} />}
      <span className="field-label">{label}</span>
      <span className={`field-value${value === null ? " field-quiet" : ""}`}>{value === null ? auto : shown(number, whole)}</span>
    </div>
  );
}
