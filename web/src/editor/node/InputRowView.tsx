import { memo, useCallback, useId } from "react";
import { SPARE } from "../../graph/bodies";
import { setValue } from "../../graph/commands";
import type { JsonValue } from "../../graph/document";
import type { InputRow } from "../../graph/geometry";
import type { Placed } from "../../graph/place";
import { valueOf, type InputSocket } from "../../graph/sockets";
import { rangeText } from "../../graph/validate";
import { apply } from "../../store/editor";
import { tr } from "../actions/tr";
import { useT } from "../useT";
import { Widget } from "../widgets/Widget";
import { GhostValue } from "./GhostValue";
import { Mistake } from "./Mistake";
import { SocketButton } from "./SocketButton";
import { useHome } from "./useHome";
import { useMistake } from "./useMistake";

/** What a field takes: its documentation, and the range that it keeps to. */
function hintOf({ info }: InputSocket): string {
  const range = info?.limits ? rangeText(info.limits) : "";
  return [info?.doc ?? "", range && tr("value.range", { range })].filter(Boolean).join("\n");
}

interface Props {
  readonly placed: Placed;
  readonly row: InputRow;
}

/** An input: its socket, and its widget while no wire brings the value. */
export const InputRowView = memo(function InputRowView({ placed, row }: Props) {
  const t = useT();
  const { socket } = row;
  const { id, record } = placed;
  const wired = placed.wired.has(socket.name);
  const open = placed.open.has(socket.name);
  const home = useHome(placed, socket.name);
  const mistake = useMistake(placed.path, socket.name, home);
  const describedBy = useId();
  const onChange = useCallback(
    (value: JsonValue | undefined, gesture?: string) => apply(setValue(id, socket.name, value), "step.value", gesture),
    [id, socket.name],
  );
  if (placed.layout.collapsed) return null;
  const required = socket.info?.required === true && !socket.spare;
  const widget = (!wired || open) && !socket.spare && socket.widget !== null;
  return (
    <div className={`row row-input${mistake ? " row-mistaken" : ""}`} style={{ top: row.y, height: row.height }} title={widget ? hintOf(socket) : undefined}>
      <SocketButton
        node={id}
        name={socket.name}
        side="input"
        type={socket.type}
        wired={wired}
        doc={socket.info?.doc ?? ""}
      />
      {widget ? (
        <span className="widget nodrag">
        <Widget
          home={home}
          socket={socket}
          value={valueOf(record, socket.info, socket.name)}
          label={socket.label}
          invalid={mistake?.level === "error"}
          describedBy={mistake ? describedBy : undefined}
          onChange={onChange}
        />
        </span>
      ) : (
        <span className={`row-name${socket.spare ? " row-spare" : ""}`}>
          {socket.name === SPARE ? t("subgraph.newOutput") : socket.label}
          {required && !wired && <span className="required" title={t("socket.required")}>*</span>}
          {placed.sockets.ghost && !wired && <GhostValue value={record.values[socket.name]} />}
        </span>
      )}
      {mistake && <Mistake id={describedBy} mistake={mistake} onFix={onChange} />}
    </div>
  );
});
