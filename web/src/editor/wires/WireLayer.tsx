import { memo, useMemo } from "react";
import { ViewportPortal } from "@xyflow/react";
import { useCanvas } from "../../store/canvas";
import { select, useEditor } from "../../store/editor";
import { useUi } from "../../store/ui";
import { drawnWires } from "../../graph/drawnWires";
import { FarWires } from "./FarWires";
import { LooseWireView } from "./LooseWireView";
import { WireView } from "./WireView";

/**
 * All wires in one drawing under the nodes. Their ends are computed from the document, so panning and zooming touch
 * none of them, and dragging a node redraws only its own.
 */
export const WireLayer = memo(function WireLayer() {
  const edges = useEditor((state) => state.view.edges);
  const selected = useEditor((state) => state.selection.edges);
  const placed = useCanvas((state) => state.placed);
  const drag = useCanvas((state) => state.drag);
  const area = useCanvas((state) => state.area);
  const lifted = useCanvas((state) => state.wire?.lifted);
  const dropEdge = useCanvas((state) => state.dropEdge);
  const far = useUi((state) => state.far);
  const drawn = useMemo(() => drawnWires(edges, placed, drag, area), [edges, placed, drag, area]);
  const plain = useMemo(() => (far ? drawn.filter((wire) => !selected.has(wire.id)) : []), [far, drawn, selected]);
  const single = far ? drawn.filter((wire) => selected.has(wire.id)) : drawn;
  return (
    <ViewportPortal>
      <svg className="wires" role="list">
        <FarWires wires={plain} />
        {single.map(({ id, edge, from, to, start, end, type, muted }) => (
          <WireView
            key={id}
            id={id}
            x1={start.x}
            y1={start.y}
            x2={end.x}
            y2={end.y}
            type={type}
            from={from}
            to={to}
            fromSocket={edge.from.socket}
            toSocket={edge.to.socket}
            selected={selected.has(id)}
            faint={muted || lifted === id}
            target={dropEdge === id}
          />
        ))}
        <LooseWireView />
      </svg>
    </ViewportPortal>
  );
});

/** Select one wire, or add it to the selection. */
export function selectWire(id: string, more: boolean): void {
  const { selection } = useEditor.getState();
  if (!more) {
    select({ nodes: new Set(), notes: new Set(), groups: new Set(), edges: new Set([id]) });
    return;
  }
  const edges = new Set(selection.edges);
  if (!edges.delete(id)) edges.add(id);
  select({ edges });
}
