import { useReactFlow } from "@xyflow/react";
import { useRef } from "react";
import { resizeNode } from "../../graph/commands";
import { MIN_WIDTH, snap } from "../../graph/geometry";
import { apply } from "../../store/editor";

/** The right edge of a selected node: drag to make it wider. */
export function NodeResizer({ id, width }: { readonly id: string; readonly width: number }) {
  const { getZoom } = useReactFlow();
  const held = useRef<{ x: number; width: number; gesture: string }>(undefined);
  return (
    <span
      className="node-resizer nodrag"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = { x: event.clientX, width, gesture: `resize:${id}:${Date.now()}` };
      }}
      onPointerMove={(event) => {
        const start = held.current;
        if (!start) return;
        const wanted = Math.max(MIN_WIDTH, snap(start.width + (event.clientX - start.x) / getZoom()));
        apply(resizeNode(id, wanted), "step.resize", start.gesture);
      }}
      onPointerUp={() => (held.current = undefined)}
    />
  );
}
