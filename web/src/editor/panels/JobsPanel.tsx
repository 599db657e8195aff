import { useEffect } from "react";
import { getJobs } from "../../api/client";
import type { JobSummary } from "../../api/protocol";
import { isEnded } from "../../store/events";
import { receiveJobs, useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import { act, forget, openJob, runNext } from "../actions/run";
import { Icon } from "../shared/Icon";
import { momentText, secondsText } from "../shared/quantities";
import { useT } from "../useT";

/** The queue, and what was run before. */
export function JobsPanel() {
  const t = useT();
  const jobs = useRun((state) => state.jobs);
  const connection = useRun((state) => state.connection);
  useEffect(() => {
    getJobs("?limit=100").then(
      (page) => receiveJobs(page.jobs),
      () => undefined,
    );
  }, [connection]);
  const all = Object.values(jobs).sort((left, right) => right.created - left.created);
  const waiting = all.filter((job) => !isEnded(job.state)).reverse();
  const past = all.filter((job) => isEnded(job.state));
  if (all.length === 0) {
    return (
      <div className="empty">
        <Icon name="queue" size={32} />
        <p>{t("jobs.empty")}</p>
      </div>
    );
  }
  return (
    <>
      {waiting.length > 0 && (
        <section>
          <h3>{t("jobs.queue")}</h3>
          <ol className="jobs">{waiting.map((job) => <JobRow key={job.id} job={job} />)}</ol>
        </section>
      )}
      {past.length > 0 && (
        <section>
          <h3>{t("jobs.past")}</h3>
          <ol className="jobs">{past.map((job) => <JobRow key={job.id} job={job} />)}</ol>
        </section>
      )}
    </>
  );
}

function JobRow({ job }: { readonly job: JobSummary }) {
  const t = useT();
  const language = useUi((state) => state.language);
  const shown = useRun((state) => state.shown === job.id);
  const output = job.outputs.find((file) => /^(video|image)\//.test(file.media_type));
  const seconds = job.seconds ?? (job.started && job.finished ? job.finished - job.started : undefined);
  return (
    <li className={`job job-${job.state}${shown ? " job-shown" : ""}`}>
      <span className="job-picture">
        {output?.media_type.startsWith("video/") ? (
          <video src={output.url} muted playsInline preload="metadata" aria-hidden="true" />
        ) : output ? (
          <img src={output.url} alt="" />
        ) : (
          <Icon name={job.state === "failed" ? "warning" : "queue"} />
        )}
      </span>
      <span className="job-text">
        <span className="job-title">{job.title || t("top.untitled")}</span>
        <span className="job-note">
          <span className={`job-state job-state-${job.state}`}>{t(`job.${job.state}`)}</span>
          {" · "}
          {momentText(job.created, language)}
          {seconds ? ` · ${secondsText(seconds, language)}` : ""}
        </span>
        {job.error && <span className="job-error">{job.error.message}</span>}
      </span>
      <span className="job-acts">
        {isEnded(job.state) ? (
          <>
            <button type="button" className="icon-button" aria-label={t("jobs.open")} title={t("jobs.open")} onClick={() => void openJob(job.id)}>
              <Icon name="file" size={16} />
            </button>
            <button type="button" className="icon-button" aria-label={t("jobs.retry")} title={t("jobs.retry")} onClick={() => void act(job.id, "retry")}>
              <Icon name="loop" size={16} />
            </button>
            <button type="button" className="icon-button" aria-label={t("jobs.forget")} title={t("jobs.forget")} onClick={() => void forget(job.id)}>
              <Icon name="close" size={16} />
            </button>
          </>
        ) : (
          <>
            {job.state === "queued" && (
              <button type="button" className="icon-button" aria-label={t("jobs.first")} title={t("jobs.first")} onClick={() => void runNext(job.id)}>
                <Icon name="back" size={16} />
              </button>
            )}
            <button type="button" className="icon-button" aria-label={t(job.state === "paused" ? "run.resume" : "run.pause")} onClick={() => void act(job.id, job.state === "paused" ? "resume" : "pause")}>
              <Icon name={job.state === "paused" ? "play" : "pause"} size={16} />
            </button>
            <button type="button" className="icon-button" aria-label={t("run.cancel")} onClick={() => void act(job.id, "cancel")}>
              <Icon name="close" size={16} />
            </button>
          </>
        )}
      </span>
    </li>
  );
}
