/** The message catalogue: every sentence that a person reads, by key, in English and Chinese. */

import { en, type MessageKey } from "./en";
import { zh } from "./zh";

/** A subject in another language: the same keys, no more and no fewer. */
export type Translated<English> = { readonly [Key in keyof English]: string };

export type Language = "en" | "zh";
export type { MessageKey };

const CATALOGUES: Readonly<Record<Language, Readonly<Record<MessageKey, string>>>> = { en, zh };

/** Whether a key is in the catalogue; keys that come from data are checked with it. */
export function isMessage(key: string): key is MessageKey {
  return key in en;
}

/** A sentence, with `{names}` filled in. */
export function translate(language: Language, key: MessageKey, fill: Readonly<Record<string, string | number>> = {}): string {
  return CATALOGUES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(fill[name] ?? whole));
}
