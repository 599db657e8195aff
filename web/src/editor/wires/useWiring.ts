import { useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useRef, type PointerEvent } from "react";
import { connect, disconnect } from "../../graph/commands";
import { edgeId } from "../../graph/document";
import { inputPoint, outputPoint } from "../../graph/place";
import { inputType, outputType } from "../../graph/sockets";
import { useCanvas, type LooseWire } from "../../store/canvas";
import { apply, useEditor } from "../../store/editor";
import { setUi } from "../../store/ui";
import { lookAtSeen } from "../actions/look";
import { useT } from "../useT";
import { nearest, socketsOn, verdict, type Candidate } from "./targets";

/** A pointer that moved less than this pressed the socket: its value is shown. */
const PRESS = 4;

/**
 * Draw wires by pointer. Begins at any socket; begun at a wired input it lifts the wire off. Ends at the nearest socket
 * that fits; in empty space it opens the list of nodes that take the wire.
 */
export function useWiring(): (event: PointerEvent) => void {
  const flow = useReactFlow();
  const t = useT();
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);

  return useCallback(
    (event: PointerEvent) => {
      const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-socket]") : null;
      if (!element || event.button !== 0) return;
      const begun = begin(element.dataset);
      if (!begun) return;
      event.preventDefault();
      event.stopPropagation();
      const candidates = socketsOn(begun.side, useCanvas.getState().placed);
      useCanvas.setState({ wire: begun });

      const move = (moved: globalThis.PointerEvent): void => {
        const at = flow.screenToFlowPosition({ x: moved.clientX, y: moved.clientY });
        useCanvas.setState((state) => (state.wire ? { wire: follow(state.wire, at, candidates) } : state));
      };
      const follow = (wire: LooseWire, at: { x: number; y: number }, all: readonly Candidate[]): LooseWire => {
        const target = nearest(all, at, flow.getZoom());
        if (!target || (target.node === wire.end.node && target.socket === wire.end.socket)) return { ...wire, to: at, over: undefined };
        const judged = verdict(wire, target, withoutLifted(wire), t);
        return { ...wire, to: judged.ok ? target.point : at, over: { node: target.node, socket: target.socket, ...judged } };
      };
      const end = (ended: globalThis.PointerEvent): void => {
        stop.current?.();
        const { wire } = useCanvas.getState();
        useCanvas.setState({ wire: undefined });
        if (!wire || ended.type === "pointercancel") return;
        if (Math.hypot(ended.clientX - event.clientX, ended.clientY - event.clientY) < PRESS) {
          if (wire.side === "input") lookAtSeen(wire.end);
          return;
        }
        finish(wire, { x: ended.clientX, y: ended.clientY }, flow.screenToFlowPosition({ x: ended.clientX, y: ended.clientY }));
      };
      const cancel = (pressed: KeyboardEvent): void => {
        if (pressed.key !== "Escape") return;
        stop.current?.();
        useCanvas.setState({ wire: undefined });
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
      window.addEventListener("keydown", cancel);
      stop.current = () => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", end);
        window.removeEventListener("pointercancel", end);
        window.removeEventListener("keydown", cancel);
      };
    },
    [flow, t],
  );
}

function withoutLifted(wire: LooseWire): ReturnType<typeof useEditor.getState>["view"] {
  const { view: document } = useEditor.getState();
  return wire.lifted === undefined ? document : disconnect(new Set([wire.lifted]))(document);
}

function begin(data: DOMStringMap): LooseWire | undefined {
  const { socket, side, owner } = data;
  if (socket === undefined || owner === undefined) return undefined;
  const { view: document, catalogue } = useEditor.getState();
  const { placed } = useCanvas.getState();
  const node = placed.get(owner);
  if (!node) return undefined;
  if (side === "output") {
    const start = outputPoint(node, socket);
    const end = { node: owner, socket };
    return { side: "input", end, type: outputType(document, catalogue, end), start, to: start, over: undefined, lifted: undefined };
  }
  const present = document.edges.find((edge) => edge.to.node === owner && edge.to.socket === socket);
  const source = present && placed.get(present.from.node);
  if (present && source) {
    const start = outputPoint(source, present.from.socket);
    const type = outputType(document, catalogue, present.from);
    return { side: "input", end: present.from, type, start, to: inputPoint(node, socket), over: undefined, lifted: edgeId(present) };
  }
  const start = inputPoint(node, socket);
  const end = { node: owner, socket };
  return { side: "output", end, type: inputType(document, catalogue, end), start, to: start, over: undefined, lifted: undefined };
}

function finish(wire: LooseWire, screen: { x: number; y: number }, at: { x: number; y: number }): void {
  if (wire.over?.ok) {
    const [from, to] = wire.side === "input" ? [wire.end, wire.over] : [wire.over, wire.end];
    apply((document) => {
      const cut = wire.lifted === undefined ? document : disconnect(new Set([wire.lifted]))(document);
      const joined = connect({ node: from.node, socket: from.socket }, { node: to.node, socket: to.socket })(cut);
      return joined === cut && cut !== document && sameEdges(document, joined) ? document : joined;
    }, "step.connect");
    return;
  }
  const distance = Math.hypot(at.x - wire.start.x, at.y - wire.start.y);
  if (wire.over) return;
  if (wire.lifted !== undefined) {
    const { lifted } = wire;
    if (distance > 24) apply(disconnect(new Set([lifted])), "step.disconnect");
    return;
  }
  if (distance < 24) return;
  setUi({ palette: { at, screen, wire: { side: wire.side, type: wire.type, end: wire.end } } });
}

function sameEdges(left: { edges: readonly unknown[] }, right: { edges: readonly unknown[] }): boolean {
  return JSON.stringify(left.edges) === JSON.stringify(right.edges);
}
