import { useCallback } from "react";
import { translate, type MessageKey } from "../i18n";
import { useUi } from "../store/ui";

export type Translate = (key: MessageKey, fill?: Readonly<Record<string, string | number>>) => string;

/** The catalogue in the chosen language. */
export function useT(): Translate {
  const language = useUi((state) => state.language);
  return useCallback((key, fill) => translate(language, key, fill), [language]);
}
