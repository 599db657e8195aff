import { Background, BackgroundVariant, Controls, ReactFlow, ReactFlowProvider, ViewportPortal, type NodeTypes } from "@xyflow/react";
import { memo, useMemo } from "react";
import { edgeId } from "../../graph/document";
import { inputPoint, makePlacer, outputPoint, wirePath, type PlacedNodes } from "../../graph/place";
import type { Merged } from "../../graph/merge";
import { useEditor } from "../../store/editor";
import { useT } from "../useT";
import { DiffNode, type DiffFlowNode } from "./DiffNode";

const TYPES: NodeTypes = { diff: DiffNode };
const BARE = (): { media: false; footer: false } => ({ media: false, footer: false });
const FIT = { padding: 0.12, maxZoom: 1 };
const PRO = { hideAttribution: true };
const NO_EDGES: never[] = [];

/** Both documents on one canvas that can be panned and zoomed but not changed. */
export const DiffCanvas = memo(function DiffCanvas({ merged }: { readonly merged: Merged }) {
  const t = useT();
  const catalogue = useEditor((state) => state.catalogue);
  const placed = useMemo(() => makePlacer()(merged.document, catalogue, BARE), [merged, catalogue]);
  const nodes = useMemo(() => [...placed.values()].map((entry) => flowNode(entry, merged)), [placed, merged]);
  return (
    <div className="diff-canvas" role="group" aria-label={t("diff.canvas")}>
      <ReactFlowProvider>
        <ReactFlow<DiffFlowNode>
          nodes={nodes}
          edges={NO_EDGES}
          nodeTypes={TYPES}
          fitView
          fitViewOptions={FIT}
          minZoom={0.05}
          onlyRenderVisibleElements
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          elementsSelectable={false}
          proOptions={PRO}
        >
          <Background variant={BackgroundVariant.Dots} gap={24} size={1.4} color="var(--grid)" />
          <Wires merged={merged} placed={placed} />
          <Controls showInteractive={false} />
        </ReactFlow>
      </ReactFlowProvider>
    </div>
  );
});

function flowNode(entry: PlacedNodes extends ReadonlyMap<string, infer P> ? P : never, merged: Merged): DiffFlowNode {
  const { width, height } = entry.geometry;
  const changes = merged.changes.filter((change) => change.node === entry.id);
  return {
    id: entry.id,
    type: "diff",
    position: { x: entry.layout.x, y: entry.layout.y },
    width,
    height,
    measured: { width, height },
    handles: [],
    data: { placed: entry, fate: merged.nodes.get(entry.id) ?? "same", changes },
  };
}

function Wires({ merged, placed }: { readonly merged: Merged; readonly placed: PlacedNodes }) {
  return (
    <ViewportPortal>
      <svg className="wires" aria-hidden="true">
        {merged.edges.map(({ edge, fate }) => {
          const [start, end] = [placed.get(edge.from.node), placed.get(edge.to.node)];
          if (!start || !end) return null;
          const path = wirePath(outputPoint(start, edge.from.socket), inputPoint(end, edge.to.socket));
          return <path key={`${fate}${edgeId(edge)}`} className={`diff-wire diff-wire-${fate}`} d={path} data-diff-wire={`${fate} ${edgeId(edge)}`} />;
        })}
      </svg>
    </ViewportPortal>
  );
}
