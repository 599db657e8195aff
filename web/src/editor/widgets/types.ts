import type { JsonValue, SocketRef } from "../../graph/document";
import type { InputSocket } from "../../graph/sockets";

export interface WidgetProps {
  /** Where the value lives: a node's path and a socket. Differs from where it is shown on the face of a sub-graph. */
  readonly home: SocketRef;
  readonly socket: InputSocket;
  readonly value: JsonValue;
  /** Whether the value is set on the node (not its type's default). */
  readonly label: string;
  readonly invalid: boolean;
  readonly describedBy: string | undefined;
  /** `gesture` names a continuous change (a drag, typing) that becomes one step of undo. */
  readonly onChange: (value: JsonValue | undefined, gesture?: string) => void;
}
