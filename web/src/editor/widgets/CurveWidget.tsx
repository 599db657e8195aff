import { useRef, useState, type KeyboardEvent, type MouseEvent, type PointerEvent } from "react";
import { addedAt, halfway, moved, pointsOf, without, type Point } from "../../graph/curve";
import { useT } from "../useT";
import type { WidgetProps } from "./types";

const STEP = 0.02;

/**
 * A curve through points: drag them; double-click (or Enter) adds one, double-click on one (or Delete) takes it out;
 * arrows move it, Shift finely.
 */
export function CurveWidget({ home, value, label, invalid, describedBy, onChange }: WidgetProps) {
  const t = useT();
  const area = useRef<HTMLDivElement>(null);
  const held = useRef<{ index: number; gesture: string }>(undefined);
  const [chosen, setChosen] = useState<number>();
  const points = pointsOf(value);
  const put = (next: readonly Point[], gesture?: string): void => onChange(next.map((point) => [...point]), gesture);
  const at = (event: { clientX: number; clientY: number }): Point => {
    const box = area.current?.getBoundingClientRect();
    return box ? [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height] : [0, 0];
  };
  const focus = (index: number): void => {
    requestAnimationFrame(() => area.current?.querySelectorAll<HTMLElement>("[role=slider]")[index]?.focus());
  };
  const remove = (index: number): void => {
    put(without(points, index));
    focus(Math.max(0, index - 1));
  };

  const onKeyDown = (event: KeyboardEvent, index: number): void => {
    const [x, y] = points[index] ?? [0, 0];
    const step = event.shiftKey ? STEP / 4 : STEP;
    const moves: Record<string, Point> = {
      ArrowLeft: [x - step, y],
      ArrowRight: [x + step, y],
      ArrowUp: [x, y + step],
      ArrowDown: [x, y - step],
      Home: [x, 0],
      End: [x, 1],
    };
    const move = moves[event.key];
    if (move) put(moved(points, index, move), `curve:${home.node}:${home.socket}:${index}`);
    else if (event.key === "Enter") {
      const added = halfway(points, index);
      put(added.points);
      focus(added.index);
    } else if (event.key === "Delete" || event.key === "Backspace") remove(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onPointerDown = (event: PointerEvent, index: number): void => {
    if (event.button !== 0) return;
    area.current?.setPointerCapture(event.pointerId);
    held.current = { index, gesture: `curve:${home.node}:${home.socket}:${Date.now()}` };
    setChosen(index);
  };
  const onDoubleClick = (event: MouseEvent): void => {
    event.stopPropagation();
    const place = at(event);
    const box = area.current?.getBoundingClientRect();
    const near = points.findIndex(([x, y]) => box && Math.hypot((x - place[0]) * box.width, (y - place[1]) * box.height) < 9);
    if (near < 0) put(addedAt(points, place));
    else remove(near);
  };

  const first = points[0]?.[1] ?? 0;
  const last = points.at(-1)?.[1] ?? 0;
  const line = [[0, first], ...points, [1, last]].map(([x, y]) => `${(x ?? 0) * 100},${100 - (y ?? 0) * 100}`).join(" ");
  const told = chosen === undefined ? undefined : points[chosen];
  return (
    <div className={`field field-curve${invalid ? " field-invalid" : ""}`} role="group" aria-label={label} aria-describedby={describedBy}>
      <span className="curve-head">
        <span className="field-label">{label}</span>
        {told && <span className="field-value">{t("curve.at", { x: told[0], y: told[1] })}</span>}
      </span>
      <div
        ref={area}
        className="curve-area nopan"
        title={t("curve.help")}
        onDoubleClick={onDoubleClick}
        onPointerMove={(event) => {
          if (held.current) put(moved(points, held.current.index, at(event)), held.current.gesture);
        }}
        onPointerUp={() => (held.current = undefined)}
        onPointerCancel={() => (held.current = undefined)}
      >
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          <polygon points={`0,100 ${line} 100,100`} />
          <polyline points={line} vectorEffect="non-scaling-stroke" />
        </svg>
        {points.map(([x, y], index) => (
          <span
            key={index}
            className="curve-point"
            style={{ left: `${x * 100}%`, bottom: `${y * 100}%` }}
            tabIndex={0}
            role="slider"
            aria-label={t("curve.point", { number: index + 1 })}
            aria-valuemin={0}
            aria-valuemax={1}
            aria-valuenow={y}
            aria-valuetext={t("curve.at", { x, y })}
            onFocus={() => setChosen(index)}
            onBlur={() => setChosen(undefined)}
            onKeyDown={(event) => onKeyDown(event, index)}
            onPointerDown={(event) => onPointerDown(event, index)}
          />
        ))}
      </div>
    </div>
  );
}
