import { canvas } from "./canvas";
import { files } from "./files";
import { frame } from "./frame";
import { nodes } from "./nodes";
import { reasons } from "./reasons";
import { results } from "./results";
import { runs } from "./runs";
import { steps } from "./steps";
import { subgraphs } from "./subgraphs";

/** English: the catalogue that defines the keys, by subject. */
export const en = { ...canvas, ...files, ...frame, ...nodes, ...reasons, ...results, ...runs, ...steps, ...subgraphs } as const;

export type MessageKey = keyof typeof en;
