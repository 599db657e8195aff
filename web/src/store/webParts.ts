/** Plugins that bring widgets of their own. */

import { create } from "zustand";

export const useWebParts = create<{ readonly plugins: ReadonlySet<string> }>(() => ({ plugins: new Set() }));

export function setWebParts(names: readonly string[]): void {
  useWebParts.setState({ plugins: new Set(names) });
}

/** The plugin whose code shows a widget of this kind (`pack.dial`), where there is one. */
export const ownerOf = (kind: string, plugins: ReadonlySet<string>): string | undefined => {
  const [plugin, rest] = kind.split(".", 2);
  return plugin !== undefined && rest !== undefined && plugins.has(plugin) ? plugin : undefined;
};
