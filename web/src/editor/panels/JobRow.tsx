import { useState, type DragEvent } from "react";
import type { JobSummary } from "../../api/protocol";
import { isEnded } from "../../store/events";
import { useRun } from "../../store/run";
import { setUi, useUi } from "../../store/ui";
import { act, forget, openJob } from "../actions/run";
import { Icon, type IconName } from "../shared/Icon";
import { momentText, secondsText } from "../shared/quantities";
import { useT } from "../useT";
import { shownFile } from "./results";

interface Props {
  readonly job: JobSummary;
  /** Queued jobs in their order, for moving this one among them. */
  readonly queued?: readonly string[];
  readonly onMove?: (id: string, to: string) => void;
  readonly chosen?: boolean;
  readonly onChoose?: () => void;
}

const DRAGGED = "application/x-kinograph-job";

/** A job: what it makes, how it is doing, where it came from, and what can be done with it. */
export function JobRow({ job, queued = [], onMove, chosen = false, onChoose }: Props) {
  const t = useT();
  const language = useUi((state) => state.language);
  const shown = useRun((state) => state.shown === job.id);
  const [over, setOver] = useState(false);
  const output = shownFile(job);
  const seconds = job.seconds ?? (job.started && job.finished ? job.finished - job.started : undefined);
  const movable = job.state === "queued" && onMove !== undefined;
  const drop = (event: DragEvent): void => {
    setOver(false);
    const id = event.dataTransfer.getData(DRAGGED);
    if (id && id !== job.id) onMove?.(id, job.id);
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <li
      className={`job job-${job.state}${shown ? " job-shown" : ""}${over ? " job-over" : ""}`}
      id={`job-${job.id}`}
      draggable={movable}
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, job.id)}
      onDragOver={(event) => {
        if (!movable || !event.dataTransfer.types.includes(DRAGGED)) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={movable ? drop : undefined}
    >
      <span className="job-picture">
        {output?.media_type.startsWith("video/") ? (
          <video src={output.url} muted playsInline preload="metadata" aria-hidden="true" />
        ) : output ? (
          <img src={output.url} alt="" loading="lazy" />
        ) : (
          <Icon name={job.state === "failed" ? "warning" : "queue"} />
        )}
      </span>
      <span className="job-text">
        <span className="job-title">{job.title || t("top.untitled")}</span>
        <span className="job-note">
          <span className={`job-state job-state-${job.state}`}>{t(`job.${job.state}`)}</span>
          {job.asked !== "" && !isEnded(job.state) && <em> · {t(`jobs.asked.${job.asked}`)}</em>}
          {" · "}
          {momentText(job.created, language)}
          {seconds ? ` · ${secondsText(seconds, language)}` : ""}
        </span>
        {job.fork_of !== "" && <Lineage says="jobs.forkOf" of={job.fork_of} />}
        {job.retry_of !== "" && <Lineage says="jobs.retryOf" of={job.retry_of} />}
        {job.error && <span className="job-error" title={job.error.message}>{job.error.message}</span>}
      </span>
      <span className="job-acts">
        {isEnded(job.state) ? <PastActs job={job} chosen={chosen} onChoose={output ? onChoose : undefined} /> : <QueueActs job={job} queued={queued} onMove={movable ? onMove : undefined} />}
      </span>
    </li>
  );
}

/** The run that this one came from; pressed, it is shown in the list. */
function Lineage({ says, of }: { readonly says: "jobs.forkOf" | "jobs.retryOf"; readonly of: string }) {
  const t = useT();
  const language = useUi((state) => state.language);
  const origin = useRun((state) => state.jobs[of]);
  const name = origin ? `${origin.title || t("top.untitled")} · ${momentText(origin.created, language)}` : of.slice(0, 8);
  const show = (): void => {
    const row = document.getElementById(`job-${of}`);
    row?.scrollIntoView({ block: "nearest" });
    row?.classList.add("job-pointed");
    setTimeout(() => row?.classList.remove("job-pointed"), 1500);
  };
  return (
    <button type="button" className="job-lineage" title={t(says, { name })} onClick={show}>
      <Icon name={says === "jobs.forkOf" ? "branch" : "loop"} size={12} /> {t(says, { name })}
    </button>
  );
}

function Act({ icon, label, onClick }: { readonly icon: IconName; readonly label: string; readonly onClick: () => void }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} size={16} />
    </button>
  );
}

function PastActs({ job, chosen, onChoose }: { readonly job: JobSummary; readonly chosen: boolean; readonly onChoose: (() => void) | undefined }) {
  const t = useT();
  return (
    <>
      {onChoose && (
        <label className="job-choose" title={t("gallery.choose")}>
          <input type="checkbox" checked={chosen} aria-label={t("gallery.choose")} onChange={onChoose} />
        </label>
      )}
      <Act icon="file" label={t("jobs.open")} onClick={() => void openJob(job.id)} />
      <Act icon="branch" label={t("jobs.fork")} onClick={() => setUi({ fork: { job: job.id } })} />
      {job.state === "parked" ? (
        <Act icon="play" label={t("run.resume")} onClick={() => void act(job.id, "resume")} />
      ) : (
        <Act icon="loop" label={t("jobs.retry")} onClick={() => void act(job.id, "retry")} />
      )}
      <Act icon="close" label={t("jobs.forget")} onClick={() => void forget(job.id)} />
    </>
  );
}

function QueueActs({ job, queued, onMove }: { readonly job: JobSummary; readonly queued: readonly string[]; readonly onMove: Props["onMove"] }) {
  const t = useT();
  const place = queued.indexOf(job.id);
  const [before, after] = [queued[place - 1], queued[place + 1]];
  const paused = job.state === "paused";
  return (
    <>
      {onMove && before !== undefined && <Act icon="up" label={t("jobs.earlier")} onClick={() => onMove(job.id, before)} />}
      {onMove && after !== undefined && <Act icon="down" label={t("jobs.later")} onClick={() => onMove(job.id, after)} />}
      <Act icon={paused ? "play" : "pause"} label={t(paused ? "run.resume" : "run.pause")} onClick={() => void act(job.id, paused ? "resume" : "pause")} />
      <Act icon="close" label={t("run.cancel")} onClick={() => void act(job.id, "cancel")} />
    </>
  );
}
