import { memo, type KeyboardEvent, type MouseEvent } from "react";
import type { TypeInfo } from "../../api/protocol";
import { disconnect } from "../../graph/commands";
import { wirePath, type Placed } from "../../graph/place";
import { apply } from "../../store/editor";
import { canvasPoint } from "../canvas/projection";
import { setUi } from "../../store/ui";
import { lookAtSeen } from "../actions/look";
import { colorOf } from "../shared/typeLook";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";
import { selectWire } from "./WireLayer";

interface Props {
  readonly id: string;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly type: TypeInfo;
  readonly from: Placed;
  readonly to: Placed;
  readonly fromSocket: string;
  readonly toSocket: string;
  readonly selected: boolean;
  readonly faint: boolean;
  readonly target: boolean;
}

/** One wire: click selects it and shows what it carries, double-click or Delete cuts, its name says what it joins. */
export const WireView = memo(function WireView(props: Props) {
  const t = useT();
  const { id, type, from, to, selected, faint, target } = props;
  const path = wirePath({ x: props.x1, y: props.y1 }, { x: props.x2, y: props.y2 });
  const label = t("wire.label", {
    from: `${titleOf(from)}.${props.fromSocket}`,
    to: `${titleOf(to)}.${props.toSocket}`,
    type: type.name,
  });
  const choose = (more: boolean): void => {
    selectWire(id, more);
    if (!more) lookAtSeen({ node: from.id, socket: props.fromSocket });
  };
  const onClick = (event: MouseEvent): void => choose(event.shiftKey || event.ctrlKey || event.metaKey);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" || event.key === " ") choose(event.shiftKey);
    else if (event.key === "Delete" || event.key === "Backspace") apply(disconnect(new Set([id])), "step.disconnect");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const classes = `wire${selected ? " wire-selected" : ""}${faint ? " wire-faint" : ""}${target ? " wire-target" : ""}`;
  return (
    <g className={classes} role="listitem" data-wire={id}>
      <path className="wire-line" d={path} stroke={colorOf(type)} />
      <path
        className="wire-hit"
        d={path}
        tabIndex={-1}
        role="button"
        aria-label={label}
        aria-pressed={selected}
        onClick={onClick}
        onContextMenu={(event) => {
          event.preventDefault();
          event.stopPropagation();
          selectWire(id, false);
          const screen = { x: event.clientX, y: event.clientY };
          setUi({ menu: { screen, at: canvasPoint(screen), edge: id } });
        }}
        onDoubleClick={(event) => {
          event.stopPropagation();
          apply(disconnect(new Set([id])), "step.disconnect");
        }}
        onKeyDown={onKeyDown}
      />
    </g>
  );
});
