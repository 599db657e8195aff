import { useReactFlow, type OnMove } from "@xyflow/react";
import { useCallback, useEffect, useRef, type RefObject } from "react";
import { FAR_ZOOM } from "../../graph/area";
import { rememberViewport, useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { fitNodes, setProjection } from "./projection";

/** How much the zoom may change before the picture that is being moved is drawn anew, sharp. */
const SHARP = 2;
/** The canvas is being moved: it is kept as one picture, so that a frame paints nothing. */
const MOVING = "canvas-moving";

interface Handlers {
  readonly onMoveStart: OnMove;
  readonly onMove: OnMove;
  readonly onMoveEnd: OnMove;
}

/** Where the person looks: the level of detail while moving, remembered with the document afterwards. */
export function useViewport(canvas: RefObject<HTMLDivElement | null>): Handlers {
  const flow = useReactFlow();
  const opened = useEditor((state) => state.opened);
  /** The zoom at which the picture was drawn; undefined while nothing moves. */
  const drawn = useRef<number>(undefined);

  useEffect(() => setProjection(flow), [flow]);
  useEffect(() => {
    const { view: document } = useEditor.getState();
    const kept = document.layout.viewport;
    const frame = requestAnimationFrame(() => {
      // React Flow would keep a fit of nothing for later and carry it out when the first node comes
      if (Object.keys(document.nodes).length === 0) void flow.setViewport({ x: 0, y: 0, zoom: 1 });
      else if (kept) void flow.setViewport(kept);
      else fitNodes(undefined, { maxZoom: 1, duration: 0 });
      setUi({ far: flow.getZoom() < FAR_ZOOM });
    });
    return () => cancelAnimationFrame(frame);
  }, [flow, opened]);

  const onMoveStart = useCallback<OnMove>((_event, viewport) => {
    drawn.current = viewport.zoom;
  }, []);
  const onMove = useCallback<OnMove>(
    (_event, viewport) => {
      const far = viewport.zoom < FAR_ZOOM;
      if (far !== useUi.getState().far) setUi({ far });
      const { current: zoom } = drawn;
      const picture = canvas.current?.classList;
      if (zoom === undefined || !picture) return;
      if (Math.max(viewport.zoom / zoom, zoom / viewport.zoom) > SHARP) {
        drawn.current = viewport.zoom;
        picture.remove(MOVING);
      } else picture.add(MOVING);
    },
    [canvas],
  );
  const onMoveEnd = useCallback<OnMove>(
    (event, viewport) => {
      drawn.current = undefined;
      canvas.current?.classList.remove(MOVING);
      if (event !== null) rememberViewport({ x: Math.round(viewport.x), y: Math.round(viewport.y), zoom: viewport.zoom });
    },
    [canvas],
  );
  return { onMoveStart, onMove, onMoveEnd };
}
