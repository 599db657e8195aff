import { useMemo } from "react";
import { translate, isMessage } from "../../i18n";
import type { Mistake } from "../../graph/validate";
import { useMistakes } from "../../store/mistakes";
import { useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import type { Problem } from "../../api/protocol";
import type { JsonValue, SocketRef } from "../../graph/document";

export interface ShownMistake {
  readonly text: string;
  readonly level: Mistake["level"];
  readonly fix: JsonValue | undefined;
}

/** What is wrong with a field (`home` is where its value lives, when a sub-graph shows it): seen by the editor as it is typed, or told by the server. */
export function useMistake(node: string, socket: string, home?: SocketRef): ShownMistake | undefined {
  const own = useMistakes((state) => state.byNode.get(node)?.find((mistake) => mistake.socket === socket));
  const told = useRun((state) => {
    const here = (problem: Problem): boolean =>
      (problem.node === node && problem.socket === socket) || (home !== undefined && problem.node === home.node && problem.socket === home.socket);
    return state.problems.find(here) ?? state.foreseen.find(here);
  });
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
