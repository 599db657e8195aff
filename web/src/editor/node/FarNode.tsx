import { memo, type CSSProperties } from "react";
import type { Placed } from "../../graph/place";
import { titleOf } from "../shared/titles";

interface Props {
  readonly placed: Placed;
  readonly className: string;
  readonly style: CSSProperties;
}

/** A node seen from far away: a tile with its colour and name. */
export const FarNode = memo(function FarNode({ placed, className, style }: Props) {
  return (
    <div className={`${className} node-far`} style={style} data-node={placed.id}>
      <span className="node-far-title">{titleOf(placed)}</span>
    </div>
  );
});
