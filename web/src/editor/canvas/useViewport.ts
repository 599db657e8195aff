import { useReactFlow, type OnMove } from "@xyflow/react";
import { useCallback, useEffect } from "react";
import { rememberViewport, useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { motionMs } from "../shared/motion";
import { setProjection } from "./projection";

const FAR_ZOOM = 0.38;

interface Handlers {
  readonly onMove: OnMove;
  readonly onMoveEnd: OnMove;
}

/** Where the person looks: the level of detail while moving, remembered with the document afterwards. */
export function useViewport(): Handlers {
  const flow = useReactFlow();
  const opened = useEditor((state) => state.opened);

  useEffect(() => {
    setProjection(flow.screenToFlowPosition, (rect) => void flow.fitBounds(rect, { padding: 0.4, duration: motionMs(200) }));
  }, [flow]);
  useEffect(() => {
    const { view: document } = useEditor.getState();
    const kept = document.layout.viewport;
    const frame = requestAnimationFrame(() => {
      // React Flow would keep a fit of nothing for later and carry it out when the first node comes
      if (Object.keys(document.nodes).length === 0) void flow.setViewport({ x: 0, y: 0, zoom: 1 });
      else if (kept) void flow.setViewport(kept);
      else void flow.fitView({ padding: 0.15, maxZoom: 1 });
      setUi({ far: flow.getZoom() < FAR_ZOOM });
    });
    return () => cancelAnimationFrame(frame);
  }, [flow, opened]);

  const onMove = useCallback<OnMove>((_event, viewport) => {
    const far = viewport.zoom < FAR_ZOOM;
    if (far !== useUi.getState().far) setUi({ far });
  }, []);
  const onMoveEnd = useCallback<OnMove>((event, viewport) => {
    if (event !== null) rememberViewport({ x: Math.round(viewport.x), y: Math.round(viewport.y), zoom: viewport.zoom });
  }, []);
  return { onMove, onMoveEnd };
}
