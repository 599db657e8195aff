import { ANY_TYPE } from "../../graph/compatibility";
import type { Placed } from "../../graph/place";
import { SocketShape } from "../shared/SocketShape";

/** The ends of wires on a folded node: one mark on each side. */
export function CollapsedSockets({ placed }: { readonly placed: Placed }) {
  return (
    <>
      {placed.wired.size > 0 && (
        <span className="socket socket-input socket-quiet">
          <SocketShape type={ANY_TYPE} filled />
        </span>
      )}
      {placed.read.size > 0 && (
        <span className="socket socket-output socket-quiet">
          <SocketShape type={placed.sockets.outputs[0]?.type ?? ANY_TYPE} filled />
        </span>
      )}
    </>
  );
}
