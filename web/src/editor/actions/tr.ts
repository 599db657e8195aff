import { translate, type MessageKey } from "../../i18n";
import { useUi } from "../../store/ui";

/** A sentence in the language chosen now, outside of components. */
export function tr(key: MessageKey, fill?: Readonly<Record<string, string | number>>): string {
  return translate(useUi.getState().language, key, fill);
}
