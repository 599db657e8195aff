import { useStoreApi } from "@xyflow/react";
import { useEffect, type RefObject } from "react";
import { nextArea, seenRect } from "../../graph/area";
import { useCanvas } from "../../store/canvas";

/** Keep the drawn part of the canvas around what the window shows, and the dots of its ground as large. */
export function useArea(canvas: RefObject<HTMLDivElement | null>): void {
  const flow = useStoreApi();
  useEffect(() => {
    const look = (): void => {
      const { transform, width, height } = flow.getState();
      if (width === 0 || height === 0) return;
      const [x, y, zoom] = transform;
      const before = useCanvas.getState().area;
      const area = nextArea(before, seenRect({ x, y, zoom }, width, height), zoom);
      if (area === before) return;
      useCanvas.setState({ area });
      const ground: Record<string, number> = { x: area.x, y: area.y, width: area.width, height: area.height };
      for (const [name, value] of Object.entries(ground)) canvas.current?.style.setProperty(`--area-${name}`, `${Math.floor(value)}px`);
    };
    look();
    return flow.subscribe((state, before) => {
      if (state.transform !== before.transform || state.width !== before.width || state.height !== before.height) look();
    });
  }, [flow, canvas]);
}
