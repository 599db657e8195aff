import { useRef, type KeyboardEvent, type PointerEvent } from "react";
import type { JsonValue } from "../../graph/document";
import { useT } from "../useT";
import type { WidgetProps } from "./types";

type Point = readonly [number, number];

function pointsOf(value: JsonValue): readonly Point[] {
  if (!Array.isArray(value)) return [[0, 0], [1, 1]];
  const points = value.flatMap((entry): Point[] =>
    Array.isArray(entry) && typeof entry[0] === "number" && typeof entry[1] === "number" ? [[entry[0], entry[1]]] : [],
  );
  return points.length >= 2 ? points : [[0, 0], [1, 1]];
}

const clamp = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

/** A curve from 0 to 1 through points: drag them, double-click to add, Delete to take one out, arrows to move it. */
export function CurveWidget({ home, value, label, onChange }: WidgetProps) {
  const t = useT();
  const area = useRef<SVGSVGElement>(null);
  const held = useRef<{ index: number; gesture: string }>(undefined);
  const points = pointsOf(value);
  const put = (index: number, [x, y]: Point, gesture?: string): void => {
    const low = index === 0 ? 0 : (points[index - 1]?.[0] ?? 0);
    const high = index === points.length - 1 ? 1 : (points[index + 1]?.[0] ?? 1);
    const next = points.map((point, place): Point => (place === index ? [Math.min(high, Math.max(low, clamp(x))), clamp(y)] : point));
    onChange(next.map((point) => [...point]), gesture);
  };
  const at = (event: { clientX: number; clientY: number }): Point => {
    const box = area.current?.getBoundingClientRect();
    if (!box) return [0, 0];
    return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  };
  const onKeyDown = (event: KeyboardEvent, index: number): void => {
    const [x, y] = points[index] ?? [0, 0];
    const moves: Record<string, Point> = { ArrowLeft: [x - 0.02, y], ArrowRight: [x + 0.02, y], ArrowUp: [x, y + 0.02], ArrowDown: [x, y - 0.02] };
    const move = moves[event.key];
    if (move) put(index, move, `curve:${home.node}:${home.socket}`);
    else if ((event.key === "Delete" || event.key === "Backspace") && points.length > 2) {
      onChange(points.filter((_, place) => place !== index).map((point) => [...point]));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const add = (event: { clientX: number; clientY: number; stopPropagation: () => void }): void => {
    event.stopPropagation();
    const [x, y] = at(event);
    onChange([...points, [clamp(x), clamp(y)] as Point].sort((left, right) => left[0] - right[0]).map((point) => [...point]));
  };
  return (
    <div className="field field-curve">
      <span className="field-label">{label}</span>
      <svg
        ref={area}
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        role="group"
        aria-label={label}
        onDoubleClick={add}
        onPointerMove={(event: PointerEvent) => {
          if (held.current) put(held.current.index, at(event), held.current.gesture);
        }}
        onPointerUp={() => (held.current = undefined)}
      >
        <polyline points={points.map(([x, y]) => `${x * 100},${100 - y * 100}`).join(" ")} vectorEffect="non-scaling-stroke" />
        {points.map(([x, y], index) => (
          <circle
            key={index}
            cx={x * 100}
            cy={100 - y * 100}
            r="4"
            tabIndex={0}
            role="slider"
            aria-label={t("curve.point", { number: index + 1 })}
            aria-valuenow={y}
            aria-valuetext={`${x}, ${y}`}
            onKeyDown={(event) => onKeyDown(event, index)}
            onPointerDown={(event) => {
              event.currentTarget.ownerSVGElement?.setPointerCapture(event.pointerId);
              held.current = { index, gesture: `curve:${home.node}:${home.socket}:${Date.now()}` };
            }}
          />
        ))}
      </svg>
    </div>
  );
}
