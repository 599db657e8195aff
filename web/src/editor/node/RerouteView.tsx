import type { CSSProperties } from "react";
import { ANY_TYPE } from "../../graph/compatibility";
import type { Placed } from "../../graph/place";
import { SocketButton } from "./SocketButton";

interface Props {
  readonly placed: Placed;
  readonly className: string;
  readonly style: CSSProperties;
}

/** A knot in a wire: drag its middle to move it, its ends to wire it. */
export function RerouteView({ placed, className, style }: Props) {
  const [input] = placed.sockets.inputs;
  const [output] = placed.sockets.outputs;
  const type = output?.type ?? ANY_TYPE;
  return (
    <div className={`${className} reroute`} style={style} data-node={placed.id}>
      {input && <SocketButton node={placed.id} name={input.name} side="input" type={type} wired={placed.wired.has(input.name)} doc="" />}
      <span className="reroute-knot" />
      {output && <SocketButton node={placed.id} name={output.name} side="output" type={type} wired={placed.read.has(output.name)} doc="" />}
    </div>
  );
}
