import { memo } from "react";
import type { NodeProps } from "@xyflow/react";
import { containerOf, isBoundary } from "../../graph/bodies";
import { REROUTE } from "../../graph/reroute";
import { colorOf } from "../shared/typeLook";
import { useUi } from "../../store/ui";
import type { GraphNode } from "../canvas/useFlowNodes";
import { FarNode } from "./FarNode";
import { InputRowView } from "./InputRowView";
import { MoreRow } from "./MoreRow";
import { NodeFooter } from "./NodeFooter";
import { NodeHeader } from "./NodeHeader";
import { NodeMedia } from "./NodeMedia";
import { NodeResizer } from "./NodeResizer";
import { RerouteView } from "./RerouteView";
import { OutputRowView } from "./OutputRowView";
import { useNodeState } from "./useNodeState";

/** A node on the canvas: its title, sockets with their widgets, its result and how it is doing. */
export const NodeView = memo(function NodeView({ data: { placed }, selected }: NodeProps<GraphNode>) {
  const far = useUi((state) => state.far);
  const state = useNodeState(placed);
  const accent = placed.layout.color ?? accentOf(placed.sockets.outputs[0]?.type);
  const classes = [
    "node",
    selected ? "node-selected" : "",
    placed.record.mode ? `node-${placed.record.mode}` : "",
    containerOf(placed.record.type) ? "node-container" : "",
    isBoundary(placed.id) ? "node-boundary" : "",
    placed.sockets.ghost ? "node-ghost" : "",
    state ? `node-is-${state}` : "",
  ];
  const style = { "--accent": accent, width: placed.geometry.width, height: placed.geometry.height } as React.CSSProperties;
  if (far) return <FarNode placed={placed} className={classes.join(" ")} style={style} />;
  if (placed.record.type === REROUTE && placed.info) return <RerouteView placed={placed} className={classes.join(" ")} style={style} />;
  const { geometry } = placed;
  return (
    <div className={classes.join(" ")} style={style} data-node={placed.id}>
      <NodeHeader placed={placed} state={state} />
      {geometry.outputs.map((row) => (
        <OutputRowView key={row.name} placed={placed} row={row} />
      ))}
      {geometry.inputs.map((row) => (
        <InputRowView key={row.socket.name} placed={placed} row={row} />
      ))}
      {geometry.moreY !== undefined && <MoreRow id={placed.id} y={geometry.moreY} folded={geometry.folded} />}
      {geometry.mediaY !== undefined && <NodeMedia placed={placed} y={geometry.mediaY} />}
      {geometry.footerY !== undefined && <NodeFooter placed={placed} y={geometry.footerY} />}
      {selected && <NodeResizer id={placed.id} width={geometry.width} />}
    </div>
  );
});

function accentOf(type: Parameters<typeof colorOf>[0] | undefined): string {
  return type ? colorOf(type) : "var(--accent-neutral)";
}
