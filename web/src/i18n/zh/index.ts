import { canvas } from "./canvas";
import { files } from "./files";
import { frame } from "./frame";
import { nodes } from "./nodes";
import { reasons } from "./reasons";
import { results } from "./results";
import { runs } from "./runs";
import { steps } from "./steps";
import { subgraphs } from "./subgraphs";
import type { MessageKey } from "../en";

/** 简体中文。 */
export const zh: Readonly<Record<MessageKey, string>> = { ...canvas, ...files, ...frame, ...nodes, ...reasons, ...results, ...runs, ...steps, ...subgraphs };
