import { memo } from "react";
import type { TypeInfo } from "../../api/protocol";
import { fit } from "../../graph/compatibility";
import { useCanvas } from "../../store/canvas";
import { SocketShape } from "../shared/SocketShape";
import { useT } from "../useT";

interface Props {
  readonly node: string;
  readonly name: string;
  readonly side: "input" | "output";
  readonly type: TypeInfo;
  readonly wired: boolean;
  readonly doc: string;
}

type Hint = "" | "fits" | "refused" | "hit" | "miss";

/** The end of a wire. Pointers are handled by the canvas; by keyboard, Enter begins a wire here. */
export const SocketButton = memo(function SocketButton({ node, name, side, type, wired, doc }: Props) {
  const t = useT();
  const hint = useCanvas((state): Hint => {
    const wire = state.wire;
    if (!wire) return "";
    if (wire.over?.node === node && wire.over.socket === name) return wire.over.ok ? "hit" : "miss";
    if (wire.side !== side || wire.end.node === node) return "";
    const ok = side === "input" ? fit(wire.type, type) : fit(type, wire.type);
    return ok ? "fits" : "refused";
  });
  const label = t(side === "input" ? "socket.input" : "socket.output", { name, type: type.name });
  return (
    <button
      type="button"
      className={`socket socket-${side} nodrag nopan${hint ? ` socket-${hint}` : ""}`}
      tabIndex={-1}
      data-socket={name}
      data-side={side}
      data-owner={node}
      aria-label={`${label}${wired ? `, ${t("socket.wired")}` : ""}`}
      title={doc ? `${type.name}\n${doc}` : type.name}
    >
      <SocketShape type={type} filled={wired} />
    </button>
  );
});
