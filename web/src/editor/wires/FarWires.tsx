import { memo, useMemo } from "react";
import { colorOf } from "../shared/typeLook";
import { wirePath } from "../../graph/place";
import type { DrawnWire } from "../../graph/drawnWires";

/** Wires seen from far away: those of one colour are one line, so that a thousand of them are a handful of elements. */
export const FarWires = memo(function FarWires({ wires }: { readonly wires: readonly DrawnWire[] }) {
  const lines = useMemo(() => {
    const byLook = new Map<string, { readonly color: string; readonly muted: boolean; readonly paths: string[] }>();
    for (const { type, muted, start, end } of wires) {
      const color = colorOf(type);
      const look = `${color} ${muted}`;
      const line = byLook.get(look) ?? { color, muted, paths: [] };
      line.paths.push(wirePath(start, end));
      byLook.set(look, line);
    }
    return [...byLook];
  }, [wires]);
  return lines.map(([look, { color, muted, paths }]) => (
    <g key={look} className={muted ? "wire wire-faint" : "wire"}>
      <path className="wire-line" d={paths.join("")} stroke={color} />
    </g>
  ));
});
