import { useReactFlow } from "@xyflow/react";
import { useRef } from "react";
import { changeBox } from "../../graph/boxes";
import { snap } from "../../graph/geometry";
import { apply } from "../../store/editor";

interface Props {
  readonly kind: "notes" | "groups";
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** The lower right corner of a note or group: drag to change its size. */
export function BoxResizer({ kind, id, width, height }: Props) {
  const { getZoom } = useReactFlow();
  const held = useRef<{ x: number; y: number; width: number; height: number; gesture: string }>(undefined);
  return (
    <span
      className="box-resizer nodrag"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = { x: event.clientX, y: event.clientY, width, height, gesture: `resize:${id}:${Date.now()}` };
      }}
      onPointerMove={(event) => {
        const start = held.current;
        if (!start) return;
        const size = {
          width: Math.max(120, snap(start.width + (event.clientX - start.x) / getZoom())),
          height: Math.max(80, snap(start.height + (event.clientY - start.y) / getZoom())),
        };
        apply(changeBox(kind, id, size), "step.resize", start.gesture);
      }}
      onPointerUp={() => (held.current = undefined)}
    />
  );
}
