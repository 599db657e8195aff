import { useState } from "react";
import { isBoundary, pathOf } from "../../graph/bodies";
import { isEnded } from "../../store/events";
import { useEditor } from "../../store/editor";
import { useMistakes } from "../../store/mistakes";
import { useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import { act, cancelShown, run } from "../actions/run";
import { Icon } from "../shared/Icon";
import { secondsText } from "../shared/quantities";
import { useT } from "../useT";
import { Menu } from "./Menu";

/** Run, what a run would cost, cancel and pause. */
export function RunControls() {
  const t = useT();
  const language = useUi((state) => state.language);
  const [open, setOpen] = useState(false);
  const selected = useEditor((state) => state.selection.nodes);
  const empty = useEditor((state) => Object.keys(state.document.nodes).length === 0);
  const job = useRun((state) => (state.shown === undefined ? undefined : state.jobs[state.shown]));
  const plan = useRun((state) => state.plan);
  const mistakes = useBlocking();
  const resting = useRun((state) => state.resting.size);
  const busy = job !== undefined && !isEnded(job.state);
  const steps = Object.values(plan);
  const running = steps.filter((step) => step.status === "run");
  const seconds = running.reduce((sum, step) => sum + (step.seconds ?? 0), 0);
  const scope = useEditor((state) => state.scope);
  const ids = [...selected].filter((id) => !isBoundary(id)).map((id) => pathOf(scope, id));
  const planText = (): string => {
    const plan = running.length === 0 ? t("plan.nothing") : t("plan.count", { count: running.length });
    return resting === 0 ? plan : t("plan.rests", { plan, count: resting });
  };
  return (
    <div className="run-controls">
      <div className="run-split">
        <button type="button" className="run-button" disabled={empty} onClick={() => void run()} title={`${t("run.run")} (Ctrl+Enter)`}>
          <Icon name="play" size={16} />
          {t(busy ? "run.again" : "run.run")}
          {!busy && seconds >= 0.05 && mistakes === 0 && <span className="run-time" aria-hidden="true">~{secondsText(seconds, language)}</span>}
        </button>
        <button type="button" className="run-more" aria-label={t("run.more")} aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="chevron" size={14} />
        </button>
        {open && (
          <Menu
            label={t("run.more")}
            onClose={() => setOpen(false)}
            items={[
              { label: t("run.run"), keys: "Ctrl+Enter", run: () => void run() },
              { label: t("run.selected"), keys: "Ctrl+Shift+Enter", disabled: ids.length === 0, run: () => void run(ids) },
              { label: t("run.four"), run: () => void queueFour() },
            ]}
          />
        )}
      </div>
      {busy && job && (
        <>
          <button type="button" className="icon-button" aria-label={t(job.state === "paused" ? "run.resume" : "run.pause")} title={t(job.state === "paused" ? "run.resume" : "run.pause")} onClick={() => void act(job.id, job.state === "paused" ? "resume" : "pause")}>
            <Icon name={job.state === "paused" ? "play" : "pause"} size={16} />
          </button>
          <button type="button" className="icon-button" aria-label={t("run.cancel")} title={`${t("run.cancel")} (Ctrl+.)`} onClick={cancelShown}>
            <Icon name="stop" size={16} />
          </button>
        </>
      )}
      <span className={`run-note${mistakes > 0 ? " run-note-bad" : ""}`} aria-live="polite">
        {mistakes > 0
          ? t("run.mistakes", { count: mistakes })
          : busy
            ? t(`job.${job.state}`)
            : steps.length > 0
              ? planText()
              : ""}
      </span>
    </div>
  );
}

/** How many mistakes keep a run from beginning: those seen here and those told by the server, without what is left out. */
function useBlocking(): number {
  const resting = useRun((state) => state.resting);
  const foreseen = useRun((state) => state.foreseen);
  const own = useMistakes((state) => state.all);
  const ends = [
    ...own.filter((mistake) => mistake.level !== "notice" && !resting.has(mistake.node)),
    ...foreseen,
  ].map(({ node, socket }) => `${node ?? ""}|${socket ?? ""}`);
  return new Set(ends).size;
}

/** Four jobs one after the other; with a random seed, four results to choose from. */
async function queueFour(): Promise<void> {
  for (let count = 0; count < 4; count += 1) await run();
}
