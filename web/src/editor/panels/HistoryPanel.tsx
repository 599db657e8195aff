import { isMessage } from "../../i18n";
import type { Step } from "../../graph/history";
import { jumpTo, useEditor } from "../../store/editor";
import { useUi } from "../../store/ui";
import { momentText } from "../shared/quantities";
import { useT } from "../useT";
import { VersionList } from "./VersionList";

const MOST = 300;

/** Every step of this session: press one to go there. Steps that a change after undo replaced are kept below. */
export function HistoryPanel() {
  const t = useT();
  const history = useEditor((state) => state.history);
  const line = [...history.past, history.present, ...history.future].slice(-MOST).reverse();
  return (
    <>
      <ol className="steps">
        {line.map((step, place) => (
          <StepRow key={line.length - place} step={step} present={step === history.present} later={history.future.includes(step)} />
        ))}
      </ol>
      {history.branches.length > 0 && (
        <section>
          <h3>{t("history.branches")}</h3>
          <ol className="steps">
            {[...history.branches].reverse().map((step, place) => (
              <StepRow key={place} step={step} present={false} later />
            ))}
          </ol>
        </section>
      )}
      <VersionList />
    </>
  );
}

function StepRow({ step, present, later }: { readonly step: Step; readonly present: boolean; readonly later: boolean }) {
  const t = useT();
  const language = useUi((state) => state.language);
  return (
    <li>
      <button type="button" className={`step${later ? " step-later" : ""}`} aria-current={present ? "step" : undefined} onClick={() => jumpTo(step)}>
        <span>{isMessage(step.label) ? t(step.label) : step.label}</span>
        <small>
          {t("history.size", { nodes: Object.keys(step.document.nodes).length })} · {momentText(step.at / 1000, language)}
        </small>
      </button>
    </li>
  );
}
