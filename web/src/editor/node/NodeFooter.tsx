import { memo } from "react";
import { useRun } from "../../store/run";
import { useUi, setUi } from "../../store/ui";
import { providerOf } from "../../graph/provider";
import { selectNodes, useEditor } from "../../store/editor";
import { bytesText, secondsText } from "../shared/quantities";
import { containerOf } from "../../graph/bodies";
import type { Placed } from "../../graph/place";
import { useT } from "../useT";
import { shareOf, turnsOf } from "./progress";
import { whyText } from "./reasons";
import { isAbout, useNodePlan, useNodeRun } from "./useNodeState";

interface Props {
  readonly placed: Placed;
  readonly y: number;
}

/** An expected quantity; "less than" needs no "about". */
const about = (quantity: string): string => (quantity.startsWith("<") ? quantity : `~${quantity}`);

/** The last line of a node: what will happen to it, how far it is, how long it took, or what went wrong. */
export const NodeFooter = memo(function NodeFooter({ placed, y }: Props) {
  const t = useT();
  const { id } = placed;
  const { ghost } = placed.sockets;
  const run = useNodeRun(placed);
  const plan = useNodePlan(placed);
  const problem = useRun((state) => state.problems.find((candidate) => isAbout(candidate, placed)));
  const resting = useRun((state) => state.resting.has(placed.path));
  const busy = useRun((state) => state.shown !== undefined && state.jobs[state.shown]?.finished === null);
  const plugin = useEditor((state) => (ghost ? providerOf(state.document, placed.record.type) : undefined));
  const language = useUi((state) => state.language);

  const openDetails = (): void => {
    selectNodes([id]);
    setUi({ panel: "node" });
  };
  const error = problem?.message ?? (run?.state === "failed" ? run.error : undefined);
  if (error !== undefined) {
    return (
      <button type="button" className="footer footer-error nodrag" style={{ top: y }} onClick={openDetails} title={error}>
        {error || t("state.failed")}
      </button>
    );
  }
  if (run?.state === "running") {
    const turns = turnsOf(placed);
    const share = shareOf(run, turns);
    const turn = run.turn === undefined ? "" : `${t(turns === undefined ? "state.turn" : "state.turnOf", { turn: run.turn, turns: turns ?? 0 })} · `;
    const inside = turn + (containerOf(placed.record.type) && run.message ? `${run.message} · ` : "");
    const text = run.total ? `${inside}${run.step ?? 0} / ${run.total}` : `${turn}${run.message ?? t("state.running")}`;
    return (
      <div
        className="footer footer-running"
        style={{ top: y }}
        role="progressbar"
        aria-valuemin={0}
        aria-valuemax={run.total ?? 1}
        aria-valuenow={run.total ? (run.step ?? 0) : undefined}
        aria-label={t("state.running")}
      >
        <span className={`bar${share === undefined ? " bar-unknown" : ""}`}>
          <span style={share === undefined ? undefined : { transform: `scaleX(${share})` }} />
        </span>
        <span className="footer-text">{text}</span>
        {run.seconds !== undefined && <span className="footer-text">{secondsText(run.seconds, language)}</span>}
      </div>
    );
  }
  const words: string[] = [];
  if (run?.state === "waiting") words.push(t("state.waiting"));
  else if (run?.state === "cached") words.push(t("state.cached"));
  else if (run?.state === "done") words.push(run.seconds === undefined ? t("state.done") : secondsText(run.seconds, language));
  if (run?.state === "done" && run.memory) words.push(bytesText(run.memory));
  const fresh = busy && (run?.state === "done" || run?.state === "cached");
  if (plan && run?.state !== "waiting" && !fresh) {
    if (plan.status === "cached" && run?.state !== "cached") words.push(t("plan.cached"));
    if (plan.status === "run") {
      words.length = 0; // what it took last time is told by what is expected; the reason, which may be long, comes last
      if (plan.seconds) words.push(about(secondsText(plan.seconds, language)));
      const why = whyText(plan, t);
      if (plan.nbytes) words.push(about(bytesText(plan.nbytes)));
      words.push(why ? t("plan.runWhy", { reason: why }) : t("plan.run"));
    }
  }
  if (resting && !ghost) words.push(t("node.rests"));
  if (ghost) words.push(plugin === undefined ? t("node.ghostOwn") : t("node.ghostFooter", { plugin }));
  return (
    <div className={`footer${plan?.status === "cached" || run?.state === "cached" ? " footer-cached" : ""}`} style={{ top: y }} title={words.join(" · ")}>
      <span className="footer-text">{words.join(" · ")}</span>
    </div>
  );
});
