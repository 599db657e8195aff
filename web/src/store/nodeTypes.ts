/** Node types as a person reads them: in Chinese, built-in types have Chinese names. Others keep the names that they brought. */

import type { NodeTypeInfo } from "../api/protocol";
import { setNodeTypes } from "./editor";
import { useUi } from "./ui";

let known: readonly NodeTypeInfo[] = [];

/** Take in what the server knows. */
export function takeNodeTypes(types: readonly NodeTypeInfo[]): Promise<void> {
  known = types;
  return name();
}

/** Name them anew when the language changes. Returns how to stop. */
export function watchNames(): () => void {
  return useUi.subscribe((state, before) => {
    if (state.language !== before.language) void name();
  });
}

async function name(): Promise<void> {
  const types = known;
  const named = useUi.getState().language === "zh" ? await inChinese(types) : types;
  if (types === known) setNodeTypes(named);
}

async function inChinese(types: readonly NodeTypeInfo[]): Promise<readonly NodeTypeInfo[]> {
  const { categoryNames, nodeNames } = await import("../i18n/zh/nodeNames");
  return types.map((info) => {
    const title = nodeNames[info.id];
    const category = info.category.split("/").map((part) => categoryNames[part] ?? part).join("/");
    return title === undefined ? { ...info, category } : { ...info, title, category, keywords: [...info.keywords, info.title, info.category] };
  });
}
