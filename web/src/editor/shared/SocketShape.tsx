import { memo } from "react";
import type { TypeInfo } from "../../api/protocol";
import { colorOf, lookOf, shapePath } from "./typeLook";

interface Props {
  readonly type: TypeInfo;
  readonly filled: boolean;
}

/** The mark of a socket: colour and shape by type, filled where a wire is, doubled for lists. */
export const SocketShape = memo(function SocketShape({ type, filled }: Props) {
  const look = lookOf(type);
  const color = colorOf(type);
  const path = shapePath(look.shape);
  return (
    <svg className="socket-shape" viewBox="-2 -2 16 16" width="16" height="16" aria-hidden="true">
      {look.list && <path d={path} transform="translate(2.5,-2)" fill="var(--surface-2)" stroke={color} strokeWidth="1.4" />}
      <path d={path} fill={filled ? color : "var(--surface-2)"} stroke={color} strokeWidth="2" strokeLinejoin="round" />
    </svg>
  );
});
