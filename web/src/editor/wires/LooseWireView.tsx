import { wirePath } from "../../graph/place";
import { useCanvas } from "../../store/canvas";
import { colorOf } from "../shared/typeLook";

/** The wire in the hand, and why it does not fit where the pointer is. */
export function LooseWireView() {
  const wire = useCanvas((state) => state.wire);
  if (!wire) return null;
  const path = wire.side === "input" ? wirePath(wire.start, wire.to) : wirePath(wire.to, wire.start);
  const refused = wire.over !== undefined && !wire.over.ok;
  return (
    <g className={`wire wire-loose${refused ? " wire-refused" : ""}`}>
      <path className="wire-line" d={path} stroke={colorOf(wire.type)} />
      {refused && (
        <foreignObject x={wire.to.x + 14} y={wire.to.y + 10} width="320" height="60">
          <div className="wire-why" role="alert">
            {wire.over?.why}
          </div>
        </foreignObject>
      )}
    </g>
  );
}
