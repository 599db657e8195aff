/** What a person looks at: nine viewers that stay on their outputs, and one that follows the wire pressed last. */

import { create } from "zustand";
import type { NodeId, SocketRef } from "../graph/document";

/** The viewer of the wire that was pressed last; the others are 1 to 9. */
export const PASSING = 0;

export interface ViewersState {
  readonly slots: Readonly<Record<number, SocketRef>>;
  /** The viewer that is in front; undefined: the tray is closed. */
  readonly active: number | undefined;
  readonly large: boolean;
}

export const useViewers = create<ViewersState>(() => ({ slots: {}, active: undefined, large: false }));

/** Look at an output in passing. */
export function lookAt(ref: SocketRef): void {
  useViewers.setState((state) => ({ slots: { ...state.slots, [PASSING]: ref }, active: PASSING }));
}

/** Put a viewer on an output and bring it to the front. */
export function putViewer(slot: number, ref: SocketRef): void {
  useViewers.setState((state) => ({ slots: { ...state.slots, [slot]: ref }, active: slot }));
}

/** Bring a viewer to the front, where it is on something. */
export function showViewer(slot: number): boolean {
  const there = slot in useViewers.getState().slots;
  if (there) useViewers.setState({ active: slot });
  return there;
}

/** Take a viewer away; the next one comes to the front. */
export function removeViewer(slot: number): void {
  useViewers.setState((state) => {
    const slots = Object.fromEntries(Object.entries(state.slots).filter(([name]) => Number(name) !== slot));
    const [next] = Object.keys(slots).map(Number);
    return { slots, active: state.active === slot ? next : state.active };
  });
}

export function closeViewers(): void {
  useViewers.setState({ active: undefined });
}

/** The numbers of the viewers that are on a node (by its path) or inside of it, as text: `1 3`. */
export function viewersOn(state: ViewersState, node: NodeId): string {
  return Object.entries(state.slots)
    .filter(([slot, ref]) => Number(slot) !== PASSING && (ref.node === node || ref.node.startsWith(`${node}/`)))
    .map(([slot]) => slot)
    .join(" ");
}
