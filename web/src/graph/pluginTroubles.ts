/** Which plugins did not load, and why, from what the server tells. Pure. */

import type { JsonObject } from "../api/protocol";

export interface PluginTrouble {
  readonly plugin: string;
  readonly message: string;
  /** The traceback; empty where there is none. */
  readonly details: string;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** One entry for each trouble that names a plugin or says anything, in the server's order. */
export function pluginTroubles(told: readonly JsonObject[]): readonly PluginTrouble[] {
  return told
    .map(({ plugin, message, details }) => ({ plugin: text(plugin), message: text(message), details: text(details).trim() }))
    .filter((trouble) => trouble.plugin !== "" || trouble.message !== "");
}
