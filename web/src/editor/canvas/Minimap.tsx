import { Panel, useReactFlow, useStore, type ReactFlowState } from "@xyflow/react";
import { memo, useMemo, useRef, type PointerEvent, type WheelEvent } from "react";
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

const boxPath = ({ x, y, width, height }: Rect): string => `M${x},${y}h${width}v${height}h${-width}z`;
const transformOf = (state: ReactFlowState): ReactFlowState["transform"] => state.transform;
const widthOf = (state: ReactFlowState): number => state.width;
const heightOf = (state: ReactFlowState): number => state.height;

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

/** The whole graph in small: what the window shows stays light; drag to go there, turn the wheel to zoom. */
export function Minimap() {
  const t = useT();
  const flow = useReactFlow();
  const [x, y, zoom] = useStore(transformOf);
  const width = useStore(widthOf);
  const height = useStore(heightOf);
  const placed = useCanvas((state) => state.placed);
  const layout = useEditor((state) => state.view.layout);
  const held = useRef(false);
  const drawing = useRef<SVGSVGElement>(null);
  const graph = useMemo(() => around([...[...placed.values()].map(rectOf), ...layout.groups, ...layout.notes]), [placed, layout]);
  const seen = seenRect({ x, y, zoom }, width, height);
  const whole = around(graph ? [graph, seen] : [seen]) ?? seen;
  const scale = Math.max(whole.width / SIZE.width, whole.height / SIZE.height) * (1 + 2 * PADDING);
  const shown: Rect = {
    x: whole.x + whole.width / 2 - (SIZE.width * scale) / 2,
    y: whole.y + whole.height / 2 - (SIZE.height * scale) / 2,
    width: SIZE.width * scale,
    height: SIZE.height * scale,
  };

  const goTo = (event: PointerEvent): void => {
    const box = drawing.current?.getBoundingClientRect();
    if (!box) return;
    const at = { x: shown.x + (event.clientX - box.left) * scale, y: shown.y + (event.clientY - box.top) * scale };
    void flow.setCenter(at.x, at.y, { zoom });
  };
  const onWheel = (event: WheelEvent): void => void flow.zoomTo(zoom * 2 ** (-event.deltaY * WHEEL));
  return (
    <Panel position="bottom-right">
      <svg
        ref={drawing}
        className="minimap nowheel"
        role="img"
        aria-label={t("canvas.minimap")}
        viewBox={`${shown.x} ${shown.y} ${shown.width} ${shown.height}`}
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
        <Tiles />
        <path className="minimap-mask" d={`${boxPath(shown)}${boxPath(seen)}`} />
      </svg>
    </Panel>
  );
}
