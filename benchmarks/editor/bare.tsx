/** The page to compare with: `@xyflow/react` as its quick start shows it, with as many default nodes. `?nodes=541&zoom=1` */
import { ReactFlow, type Edge, type Node } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { createRoot } from "react-dom/client";

const options = new URLSearchParams(location.search);
const count = Number(options.get("nodes") ?? "541");
const zoom = Number(options.get("zoom") ?? "0");
const columns = Math.ceil(Math.sqrt(count));
const nodes: Node[] = Array.from({ length: count }, (_, index) => ({
  id: String(index),
  position: { x: (index % columns) * 344, y: Math.floor(index / columns) * 320 },
  data: { label: `Node ${index}` },
}));
const edges: Edge[] = nodes.slice(1).map((node, index) => ({ id: `e${index}`, source: String(index), target: node.id }));
const near = { x: -4000 * zoom, y: -3000 * zoom, zoom };

const root = document.getElementById("root");
if (root) createRoot(root).render(<ReactFlow defaultNodes={nodes} defaultEdges={edges} fitView={zoom === 0} defaultViewport={near} minZoom={0.05} />);
