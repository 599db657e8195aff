import { useMemo } from "react";
import { translate, isMessage } from "../../i18n";
import { useMistakes } from "../../store/mistakes";
import { useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import type { JsonValue } from "../../graph/document";

export interface ShownMistake {
  readonly text: string;
  readonly level: "error" | "notice";
  readonly fix: JsonValue | undefined;
}

/** What is wrong with a field: seen by the editor as it is typed, or told by the server. */
export function useMistake(node: string, socket: string): ShownMistake | undefined {
  const own = useMistakes((state) => state.byNode.get(node)?.find((mistake) => mistake.socket === socket));
  const told = useRun((state) => state.problems.find((problem) => problem.node === node && problem.socket === socket));
  const language = useUi((state) => state.language);
  return useMemo(() => {
    if (own) {
      const text = isMessage(own.message) ? translate(language, own.message, own.fill) : own.message;
      return { text, level: own.level, fix: own.fix };
    }
    if (!told) return undefined;
    const text = told.wanted ? `${told.message} (${told.wanted})` : told.message;
    return { text, level: "error", fix: told.example ?? undefined };
  }, [own, told, language]);
}
