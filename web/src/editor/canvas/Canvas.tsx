import { ReactFlow, type NodeTypes } from "@xyflow/react";
import { memo, useCallback, useMemo, useRef, type MouseEvent } from "react";
import { openInputs } from "../../graph/homes";
import { makePlacer, type Placed } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { NOTHING, useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { enterNode } from "../actions/nesting";
import { GroupView } from "../boxes/GroupView";
import { NoteView } from "../boxes/NoteView";
import { NodeView } from "../node/NodeView";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";
import { WireLayer } from "../wires/WireLayer";
import { useWiring } from "../wires/useWiring";
import { MAX_ZOOM, MIN_ZOOM, canvasPoint, openPaletteAt } from "./projection";
import { Minimap } from "./Minimap";
import { useArea } from "./useArea";
import { useFlowNodes, type FlowNode } from "./useFlowNodes";
import { useFurnish } from "./useFurnish";
import { useNodeChanges } from "./useNodeChanges";
import { useViewport } from "./useViewport";
import { ZoomControls } from "./ZoomControls";

const NODE_TYPES: NodeTypes = { node: NodeView, note: NoteView, group: GroupView };
const NO_EDGES: never[] = [];
const PRO = { hideAttribution: true };

/** The canvas: nodes from the document, pan, zoom and selection by React Flow, wires by our own layer. */
export const Canvas = memo(function Canvas() {
  const t = useT();
  const document = useEditor((state) => state.view);
  const catalogue = useEditor((state) => state.catalogue);
  const selection = useEditor((state) => state.selection);
  const drag = useCanvas((state) => state.drag);
  const area = useCanvas((state) => state.area);
  const far = useUi((state) => state.far);
  const placer = useRef<ReturnType<typeof makePlacer>>(undefined);
  placer.current ??= makePlacer();
  const furnish = useFurnish();
  const place = placer.current;
  const whole = useEditor((state) => state.document);
  const scope = useEditor((state) => state.scope);
  const openKey = useMemo(() => [...openInputs(whole, scope)].join("\n"), [whole, scope]);
  const inside = useMemo(() => ({ scope, open: new Set(openKey === "" ? [] : openKey.split("\n")) }), [scope, openKey]);
  const placed = useMemo(() => {
    const result = place(document, catalogue, furnish, inside);
    useCanvas.setState({ placed: result });
    return result;
  }, [place, document, catalogue, furnish, inside]);

  const hints = useMemo(
    () => ({
      "node.a11yDescription.default": t("node.a11y"),
      "node.a11yDescription.keyboardDisabled": t("node.a11y"),
      "node.a11yDescription.ariaLiveMessage": ({ x, y }: { x: number; y: number }) => t("canvas.moved", { x, y }),
      "edge.a11yDescription.default": "",
    }),
    [t],
  );
  const labelOf = useCallback((node: Placed) => t("node.label", { title: titleOf(node), id: node.id }), [t]);
  const nodes = useFlowNodes(placed, document.layout.groups, document.layout.notes, selection, drag, area, labelOf);
  const { onNodesChange, onNodeDragStart, onNodeDrag, onNodeDragStop } = useNodeChanges();
  const canvas = useRef<HTMLDivElement>(null);
  useArea(canvas);
  const { onMoveStart, onMove, onMoveEnd } = useViewport(canvas);
  const onPointerDownCapture = useWiring();

  const onDoubleClick = useCallback((event: MouseEvent) => {
    const target = event.target as Element;
    if (!target.classList.contains("react-flow__pane")) return;
    openPaletteAt({ x: event.clientX, y: event.clientY });
  }, []);
  const onPaneClick = useCallback(() => {
    useEditor.setState({ selection: NOTHING });
    setUi({ menu: undefined });
  }, []);

  /** A plain click on one of several selected nodes selects that one alone. */
  const onNodeClick = useCallback((event: MouseEvent, node: FlowNode) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey || node.type !== "node") return;
    if (useEditor.getState().selection.nodes.size > 1) useEditor.setState({ selection: { ...NOTHING, nodes: new Set([node.id]) } });
  }, []);

  /** A double click on a node with an inside goes in; on its title it renames. */
  const onNodeDoubleClick = useCallback((event: MouseEvent, node: FlowNode) => {
    const on = event.target instanceof Element ? event.target.closest(".node-title, .field, button, input, textarea") : null;
    if (node.type === "node" && !on) enterNode(node.id);
  }, []);

  return (
    <div ref={canvas} className={far ? "canvas canvas-far" : "canvas"} onPointerDownCapture={onPointerDownCapture} onDoubleClick={onDoubleClick}>
      <ReactFlow<FlowNode>
        nodes={nodes}
        edges={NO_EDGES}
        nodeTypes={NODE_TYPES}
        ariaLabelConfig={hints}
        onNodesChange={onNodesChange}
        onNodeDragStart={onNodeDragStart}
        onNodeDrag={onNodeDrag}
        onNodeDragStop={onNodeDragStop}
        onMoveStart={onMoveStart}
        onMove={onMove}
        onMoveEnd={onMoveEnd}
        onNodeClick={onNodeClick}
        onNodeDoubleClick={onNodeDoubleClick}
        onPaneClick={onPaneClick}
        onNodeContextMenu={(event, node) => openMenu(event, node)}
        onPaneContextMenu={(event) => openMenu(event)}
        elevateNodesOnSelect={false}
        minZoom={MIN_ZOOM}
        maxZoom={MAX_ZOOM}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={MULTI}
        panActivationKeyCode="Space"
        nodesConnectable={false}
        edgesFocusable={false}
        selectNodesOnDrag
        proOptions={PRO}
      >
        <WireLayer />
        {!far && placed.size > 0 && <Minimap />}
        <ZoomControls />
      </ReactFlow>
    </div>
  );
});

const MULTI = ["Control", "Meta", "Shift"];

type MenuEvent = { clientX: number; clientY: number; preventDefault: () => void };

function openMenu(event: MenuEvent | globalThis.MouseEvent | MouseEvent, node?: FlowNode): void {
  event.preventDefault();
  const screen = { x: event.clientX, y: event.clientY };
  const [kind, id] = node?.type === "node" || !node ? ["node", node?.id] : node.id.split(/:(.*)/s);
  if (node?.type === "node" && !useEditor.getState().selection.nodes.has(node.id)) {
    useEditor.setState({ selection: { ...NOTHING, nodes: new Set([node.id]) } });
  }
  setUi({ menu: { screen, at: canvasPoint(screen), ...(id && kind ? { [kind]: id } : {}) } });
}
