import { Panel, useReactFlow, useStore, useStoreApi, type ReactFlowState } from "@xyflow/react";
import { memo, useCallback, useLayoutEffect, useMemo, useRef, type PointerEvent, type RefObject, type WheelEvent } from "react";
import { seenRect } from "../../graph/area";
import { around } from "../../graph/boxes";
import type { Rect } from "../../graph/document";
import { rectOf, type Placed } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { useEditor } from "../../store/editor";
import { colorOf } from "../shared/typeLook";
import { useT } from "../useT";

const SIZE = { width: 200, height: 150 };
const PADDING = 0.06;
const WHEEL = 0.002;

const sameRect = (left: Rect, right: Rect): boolean =>
  left.x === right.x && left.y === right.y && left.width === right.width && left.height === right.height;
const boxPath = ({ x, y, width, height }: Rect): string => `M${x},${y}h${width}v${height}h${-width}z`;
const seenIn = ({ transform: [x, y, zoom], width, height }: ReactFlowState): Rect => seenRect({ x, y, zoom }, width, height);

/** What the map shows: the whole graph, and more while the window looks beyond it. */
function shownRect(graph: Rect | undefined, seen: Rect): Rect {
  const whole = around(graph ? [graph, seen] : [seen]) ?? seen;
  const scale = Math.max(whole.width / SIZE.width, whole.height / SIZE.height) * (1 + 2 * PADDING);
  return {
    x: whole.x + whole.width / 2 - (SIZE.width * scale) / 2,
    y: whole.y + whole.height / 2 - (SIZE.height * scale) / 2,
    width: SIZE.width * scale,
    height: SIZE.height * scale,
  };
}

/**
 * Keep a frame around what the window shows. It is a layer of its own that is moved past React: as a part of the drawing
 * it made each frame of a pan paint the page anew.
 */
function useFrame(frame: RefObject<HTMLSpanElement | null>, shown: Rect): void {
  const flow = useStoreApi();
  useLayoutEffect(() => {
    const place = (state: ReactFlowState): void => {
      const { style } = frame.current ?? {};
      if (!style) return;
      const seen = seenIn(state);
      const scale = SIZE.width / shown.width;
      const size = { width: `${(seen.width * scale).toFixed(1)}px`, height: `${(seen.height * scale).toFixed(1)}px` };
      if (style.width !== size.width || style.height !== size.height) Object.assign(style, size);
      style.transform = `translate(${(seen.x - shown.x) * scale}px, ${(seen.y - shown.y) * scale}px)`;
    };
    place(flow.getState());
    return flow.subscribe((state, before) => {
      if (state.transform !== before.transform || state.width !== before.width || state.height !== before.height) place(state);
    });
  }, [flow, frame, shown]);
}

function colorOfNode({ layout, sockets }: Placed): string {
  const type = sockets.outputs[0]?.type;
  return layout.color ?? (type ? colorOf(type) : "var(--accent-neutral)");
}

/** All nodes of one colour are one shape, so that a thousand nodes are a handful of elements. */
const Tiles = memo(function Tiles() {
  const placed = useCanvas((state) => state.placed);
  const groups = useEditor((state) => state.view.layout.groups);
  const notes = useEditor((state) => state.view.layout.notes);
  const paths = useMemo(() => {
    const byColor = new Map<string, string[]>();
    for (const node of placed.values()) byColor.set(colorOfNode(node), [...(byColor.get(colorOfNode(node)) ?? []), boxPath(rectOf(node))]);
    return [...byColor].map(([color, boxes]) => [color, boxes.join("")] as const);
  }, [placed]);
  return (
    <>
      <path className="minimap-box" d={[...groups, ...notes].map(boxPath).join("")} />
      {paths.map(([color, d]) => (
        <path key={color} fill={color} d={d} />
      ))}
    </>
  );
});

/** The whole graph in small, with a frame around what the window shows; drag to go there, turn the wheel to zoom. */
export function Minimap() {
  const t = useT();
  const flow = useReactFlow();
  const placed = useCanvas((state) => state.placed);
  const layout = useEditor((state) => state.view.layout);
  const held = useRef(false);
  const map = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLSpanElement>(null);
  const graph = useMemo(() => around([...[...placed.values()].map(rectOf), ...layout.groups, ...layout.notes]), [placed, layout]);
  const shown = useStore(
    useCallback((state: ReactFlowState) => shownRect(graph, seenIn(state)), [graph]),
    sameRect,
  );
  useFrame(frame, shown);

  const goTo = (event: PointerEvent): void => {
    const box = map.current?.getBoundingClientRect();
    if (!box) return;
    const scale = shown.width / SIZE.width;
    const at = { x: shown.x + (event.clientX - box.left) * scale, y: shown.y + (event.clientY - box.top) * scale };
    void flow.setCenter(at.x, at.y, { zoom: flow.getZoom() });
  };
  const onWheel = (event: WheelEvent): void => void flow.zoomTo(flow.getZoom() * 2 ** (-event.deltaY * WHEEL));
  return (
    <Panel position="bottom-right">
      <div
        ref={map}
        className="minimap nowheel"
        role="img"
        aria-label={t("canvas.minimap")}
        onWheel={onWheel}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          held.current = true;
          goTo(event);
        }}
        onPointerMove={(event) => held.current && goTo(event)}
        onPointerUp={() => (held.current = false)}
        onPointerCancel={() => (held.current = false)}
      >
        <svg viewBox={`${shown.x} ${shown.y} ${shown.width} ${shown.height}`} width="100%" height="100%" aria-hidden="true">
          <Tiles />
        </svg>
        <span ref={frame} className="minimap-frame" />
      </div>
    </Panel>
  );
}
