import { memo } from "react";
import type { Node, NodeProps } from "@xyflow/react";
import { shortValue } from "./words";
import { ANY_TYPE } from "../../graph/compatibility";
import type { Change } from "../../graph/diff";
import { ROW } from "../../graph/geometry";
import type { Fate } from "../../graph/merge";
import type { Placed } from "../../graph/place";
import { valueOf } from "../../graph/sockets";
import { SocketShape } from "../shared/SocketShape";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";

export type DiffFlowNode = Node<{ placed: Placed; fate: Fate; changes: readonly Change[] }, "diff">;

const SIGNS: Readonly<Record<Fate, string>> = { same: "", added: "+", removed: "−", changed: "≠" };

/** A node in the picture of two documents: its fate by colour, sign and word, and values before and after. */
export const DiffNode = memo(function DiffNode({ data: { placed, fate, changes } }: NodeProps<DiffFlowNode>) {
  const t = useT();
  const { geometry, sockets, record } = placed;
  const changed = changes.filter((change) => change.kind === "changed");
  const changeOf = (socket: string): Change | undefined => changed.find((change) => change.place === socket);
  const others = changed.filter((change) => !geometry.inputs.some((row) => row.socket.name === change.place));
  return (
    <article className={`diff-node fate-${fate}`} style={{ width: geometry.width, height: geometry.height }} data-fate={fate} data-node={placed.id} aria-label={`${titleOf(placed)}: ${t(`fate.${fate}`)}`}>
      <header>
        <span className="node-title">{titleOf(placed)}</span>
        {fate !== "same" && <span className="diff-sign">{SIGNS[fate]} {t(`fate.${fate}`)}</span>}
      </header>
      {geometry.outputs.map((row) => (
        <div key={row.name} className="row row-output" style={{ top: row.y - ROW / 2 }}>
          <span className="row-name">{row.name}</span>
          <span className="socket socket-output">
            <SocketShape type={sockets.outputs.find((output) => output.name === row.name)?.type ?? ANY_TYPE} filled={placed.read.has(row.name)} />
          </span>
        </div>
      ))}
      {geometry.inputs.map(({ socket, y, height }) => {
        const change = changeOf(socket.name);
        const wired = placed.wired.has(socket.name);
        return (
          <div key={socket.name} className={`row row-input diff-row${change ? " diff-row-changed" : ""}`} style={{ top: y, height }}>
            <span className="socket socket-input"><SocketShape type={socket.type} filled={wired} /></span>
            <span className="row-name">{socket.label}</span>
            {change ? (
              <span className="diff-value"><del>{shortValue(change.before)}</del> <ins>{shortValue(change.after)}</ins></span>
            ) : (
              !wired && socket.widget && <span className="diff-value">{shortValue(valueOf(record, socket.info, socket.name))}</span>
            )}
          </div>
        );
      })}
      {others.length > 0 && <footer className="diff-others">{others.map((change) => `${change.place}: ${shortValue(change.before)} → ${shortValue(change.after)}`).join(" · ")}</footer>}
    </article>
  );
});
