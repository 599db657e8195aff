import type { JsonValue } from "../../graph/document";
import type { InputSocket } from "../../graph/sockets";

export interface WidgetProps {
  readonly node: string;
  readonly socket: InputSocket;
  readonly value: JsonValue;
  /** Whether the value is set on the node (not its type's default). */
  readonly label: string;
  readonly invalid: boolean;
  readonly describedBy: string | undefined;
  /** `gesture` names a continuous change (a drag, typing) that becomes one step of undo. */
  readonly onChange: (value: JsonValue | undefined, gesture?: string) => void;
}
