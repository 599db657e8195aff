/**
 * Which wires fit: the same rules as the engine's, on the described types.
 *
 * `Any` fits all; every class of an outgoing union must be wanted; a list into a single value runs the node once per
 * item; a single value into a list is wrapped.
 */

import type { TypeInfo } from "../api/protocol";

export type Fit = "direct" | "each" | "wrap";

export const ANY_TYPE: TypeInfo = { name: "Any", classes: [], accepts: [], is_list: false };

/** Whether everything fits. */
export function isAny(type: TypeInfo): boolean {
  return type.classes.length === 0 && !type.is_list;
}

function classesFit(given: TypeInfo, wanted: TypeInfo): boolean {
  if (given.classes.length === 0 || wanted.classes.length === 0) return true;
  return given.classes.every((name) => wanted.classes.includes(name) || wanted.accepts.includes(name));
}

/** How a wire of type `given` enters a socket of type `wanted`; undefined where it does not. */
export function fit(given: TypeInfo, wanted: TypeInfo): Fit | undefined {
  if (isAny(given) || isAny(wanted)) return "direct";
  if (!classesFit(given, wanted)) return undefined;
  if (given.is_list === wanted.is_list) return "direct";
  return given.is_list ? "each" : "wrap";
}

/** Why a wire does not fit, as data for the message catalogue. */
export interface Misfit {
  readonly given: string;
  readonly wanted: string;
}

/** The two names to show when a wire is refused. */
export function misfit(given: TypeInfo, wanted: TypeInfo): Misfit | undefined {
  return fit(given, wanted) === undefined ? { given: given.name, wanted: wanted.name } : undefined;
}
