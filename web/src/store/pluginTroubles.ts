/** Plugins that did not load. */

import { create } from "zustand";
import type { PluginTrouble } from "../graph/pluginTroubles";

export const usePluginTroubles = create<{ readonly troubles: readonly PluginTrouble[] }>(() => ({ troubles: [] }));
