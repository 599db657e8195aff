import { memo, useMemo } from "react";
import { ViewportPortal } from "@xyflow/react";
import { ANY_TYPE } from "../../graph/compatibility";
import { edgeId, type Edge } from "../../graph/document";
import { inputPoint, outputPoint, type Placed } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { select, useEditor } from "../../store/editor";
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
  const lifted = useCanvas((state) => state.wire?.lifted);
  const dropEdge = useCanvas((state) => state.dropEdge);
  const drawn = useMemo(
    () =>
      edges.flatMap((edge) => {
        const from = placed.get(edge.from.node);
        const to = placed.get(edge.to.node);
        return from && to ? [{ edge, id: edgeId(edge), from, to }] : [];
      }),
    [edges, placed],
  );
  return (
    <ViewportPortal>
      <svg className="wires" role="list">
        {drawn.map(({ edge, id, from, to }) => {
          const start = outputPoint(from, edge.from.socket, drag[from.id]);
          const end = inputPoint(to, edge.to.socket, drag[to.id]);
          return (
            <WireView
              key={id}
              id={id}
              x1={start.x}
              y1={start.y}
              x2={end.x}
              y2={end.y}
              type={typeOf(from, edge)}
              from={from}
              to={to}
              fromSocket={edge.from.socket}
              toSocket={edge.to.socket}
              selected={selected.has(id)}
              faint={lifted === id || from.record.mode === "mute" || to.record.mode === "mute"}
              target={dropEdge === id}
            />
          );
        })}
        <LooseWireView />
      </svg>
    </ViewportPortal>
  );
});

function typeOf(from: Placed, edge: Edge): typeof ANY_TYPE {
  return from.sockets.outputs.find((output) => output.name === edge.from.socket)?.type ?? ANY_TYPE;
}

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
