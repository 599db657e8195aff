/** The page to compare with: `@xyflow/react` as its quick start shows it, with as many default nodes. `?nodes=541` */
import { ReactFlow, type Edge, type Node } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { createRoot } from "react-dom/client";

const count = Number(new URLSearchParams(location.search).get("nodes") ?? "541");
const columns = Math.ceil(Math.sqrt(count));
const nodes: Node[] = Array.from({ length: count }, (_, index) => ({
  id: String(index),
  position: { x: (index % columns) * 344, y: Math.floor(index / columns) * 320 },
  data: { label: `Node ${index}` },
}));
const edges: Edge[] = nodes.slice(1).map((node, index) => ({ id: `e${index}`, source: String(index), target: node.id }));

const root = document.getElementById("root");
if (root) createRoot(root).render(<ReactFlow defaultNodes={nodes} defaultEdges={edges} fitView minZoom={0.05} />);
