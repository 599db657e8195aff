/** This browser's own copies of what its tabs have open: by name, the latest few. */

import type { JsonObject } from "../../graph/document";

const PREFIX = "kinograph.copy:";
const KEPT = 8;

export interface LocalCopy {
  readonly name: string;
  /** When it was made, in milliseconds. */
  readonly at: number;
  /** The server's version that it came from; undefined before the first. */
  readonly version: number | undefined;
  /** Whether the server has it, too. */
  readonly sent: boolean;
  readonly workflow: JsonObject;
}

/** Keep a copy in the place of the one before; of other documents the oldest go, those that the server has before others. */
export function keepCopy(copy: LocalCopy): void {
  const text = JSON.stringify(copy);
  const others = copies()
    .filter((other) => other.name !== copy.name)
    .sort((one, other) => Number(one.sent) - Number(other.sent));
  for (const old of others.slice(KEPT - 1)) localStorage.removeItem(PREFIX + old.name);
  for (let left = Math.min(others.length, KEPT - 1); left >= 0; left -= 1) {
    try {
      localStorage.setItem(PREFIX + copy.name, text);
      return;
    } catch {
      // the browser's store is full or forbidden: the oldest goes; in the end the server's copy remains
      const oldest = others[left - 1];
      if (oldest) localStorage.removeItem(PREFIX + oldest.name);
    }
  }
}

/** The copy of a document. */
export function copyOf(name: string): LocalCopy | undefined {
  const text = localStorage.getItem(PREFIX + name);
  try {
    return text === null ? undefined : (JSON.parse(text) as LocalCopy);
  } catch {
    return undefined;
  }
}

/** All copies, the latest first. */
export function copies(): readonly LocalCopy[] {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .flatMap((key) => copyOf(key.slice(PREFIX.length)) ?? [])
    .sort((one, other) => other.at - one.at);
}
