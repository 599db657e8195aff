import { memo } from "react";
import { ANY_TYPE } from "../../graph/compatibility";
import { ROW, type OutputRow } from "../../graph/geometry";
import { SPARE } from "../../graph/bodies";
import { useT } from "../useT";
import type { Placed } from "../../graph/place";
import { FactsText } from "./FactsText";
import { SocketButton } from "./SocketButton";

interface Props {
  readonly placed: Placed;
  readonly row: OutputRow;
}

/** An output: its name at the right edge. */
export const OutputRowView = memo(function OutputRowView({ placed, row }: Props) {
  const t = useT();
  const output = placed.sockets.outputs.find((candidate) => candidate.name === row.name);
  if (placed.layout.collapsed) return null;
  return (
    <div className="row row-output" style={{ top: row.y - ROW / 2 }}>
      {row.name !== SPARE && <FactsText placed={placed} output={row.name} />}
      <span className={`row-name${row.name === SPARE ? " row-spare" : ""}`}>{row.name === SPARE ? t("subgraph.newInput") : row.name}</span>
      <SocketButton
        node={placed.id}
        name={row.name}
        side="output"
        type={output?.type ?? ANY_TYPE}
        wired={placed.read.has(row.name)}
        doc={output?.doc ?? ""}
      />
    </div>
  );
});
