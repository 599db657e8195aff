/** Where the open document is kept, and whether what is on the screen is there already. */

import { create } from "zustand";

export interface SavingState {
  /** The name under which the server keeps it. */
  readonly name: string;
  readonly state: "saved" | "pending" | "local";
  /** The version that was read or written last; undefined before the first. */
  readonly version: number | undefined;
}

export const useSaving = create<SavingState>(() => ({ name: "", state: "saved", version: undefined }));
