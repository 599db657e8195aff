import type { ShownStep } from "../../store/summary";
import type { Translate } from "../useT";

/** Why a step runs, in the language of the page; the empty text where it does not run. */
export function whyText(step: ShownStep, t: Translate): string {
  const text = (step.reasons ?? [])
    .map((reason) => t(`reason.${reason.code}`, reason.params))
    .reduce((one, other) => (one === "" ? other : t("reason.and", { one, other })), "");
  return text !== "" && step.inside !== undefined ? t("reason.inside", { node: step.inside, reason: text }) : text;
}
