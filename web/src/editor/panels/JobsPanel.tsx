import { useEffect, useMemo, useState } from "react";
import { getJobs } from "../../api/client";
import type { JobSummary } from "../../api/protocol";
import { isEnded } from "../../store/events";
import { receiveJobs, useRun } from "../../store/run";
import { setUi } from "../../store/ui";
import { reorder } from "../actions/run";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { JobRow } from "./JobRow";
import { resultOf } from "./results";

const PAGE = 100;
const PAUSE_MS = 250;

interface Listed {
  readonly query: string;
  readonly ids: ReadonlySet<string>;
  readonly total: number;
}

/** What the server finds for a search, by its words in titles, texts and node types. */
function useListed(query: string, limit: number): Listed | undefined {
  const connection = useRun((state) => state.connection);
  const [listed, setListed] = useState<Listed>();
  useEffect(() => {
    let alive = true;
    const timer = setTimeout(() => {
      getJobs(`?limit=${limit}${query && `&search=${encodeURIComponent(query)}`}`).then(
        (page) => {
          if (!query) receiveJobs(page.jobs);
          else useRun.setState((state) => ({ jobs: { ...Object.fromEntries(page.jobs.map((job) => [job.id, job])), ...state.jobs } }));
          if (alive) setListed({ query, ids: new Set(page.jobs.map((job) => job.id)), total: page.total });
        },
        () => undefined,
      );
    }, query ? PAUSE_MS : 0);
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [query, limit, connection]);
  return listed;
}

/** The queue in its order, and what was run before: search, run again, fork, compare two. */
export function JobsPanel() {
  const t = useT();
  const jobs = useRun((state) => state.jobs);
  const order = useRun((state) => state.order);
  const [query, setQuery] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const listed = useListed(query.trim(), limit);
  const all = useMemo(() => Object.values(jobs), [jobs]);
  const waiting = useMemo(() => inOrder(all.filter((job) => !isEnded(job.state)), order), [all, order]);
  const matches = (job: JobSummary): boolean => query.trim() === "" || (listed?.query === query.trim() && listed.ids.has(job.id));
  const past = all.filter((job) => isEnded(job.state) && matches(job)).sort((left, right) => right.created - left.created);
  const queued = waiting.filter((job) => job.state === "queued").map((job) => job.id);
  const [first, second] = chosen.map((id) => jobs[id]).filter((job) => job !== undefined);
  const sides = first && second ? ([resultOf(first), resultOf(second)] as const) : undefined;

  const toggle = (id: string): void => setChosen((before) => (before.includes(id) ? before.filter((other) => other !== id) : [...before, id].slice(-2)));
  const move = (id: string, to: string): void => {
    const others = queued.filter((other) => other !== id);
    others.splice(queued.indexOf(to), 0, id);
    void reorder(others);
  };
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
          <ol className="jobs">
            {waiting.map((job) => (
              <JobRow key={job.id} job={job} queued={queued} onMove={move} />
            ))}
          </ol>
        </section>
      )}
      <section>
        <h3>{t("jobs.past")}</h3>
        <div className="gallery-search">
          <Icon name="search" size={16} />
          <input aria-label={t("jobs.search")} placeholder={t("jobs.search")} value={query} onChange={(event) => setQuery(event.target.value)} />
          <button
            type="button"
            className="small-button"
            title={t("jobs.chooseTwo")}
            disabled={!sides?.[0] || !sides[1]}
            onClick={() => sides?.[0] && sides[1] && setUi({ compare: [sides[0], sides[1]] })}
          >
            <Icon name="compare" size={14} /> {t("gallery.compare")}
          </button>
        </div>
        {past.length === 0 && <p className="viewer-note">{t(query ? "jobs.notFound" : "jobs.noPast")}</p>}
        <ol className="jobs">
          {past.map((job) => (
            <JobRow key={job.id} job={job} chosen={chosen.includes(job.id)} onChoose={() => toggle(job.id)} />
          ))}
        </ol>
        {listed && listed.total > listed.ids.size && (
          <button type="button" className="small-button" onClick={() => setLimit(limit + PAGE)}>
            {t("jobs.older", { count: listed.total - listed.ids.size })}
          </button>
        )}
      </section>
    </>
  );
}

/** Running ones first, then in the order of the queue; what is not listed yet came last. */
function inOrder(jobs: readonly JobSummary[], order: readonly string[]): readonly JobSummary[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const rank = (job: JobSummary): number => (job.state === "running" ? 0 : 1);
  const place = (job: JobSummary): number => places.get(job.id) ?? order.length;
  return [...jobs].sort((left, right) => rank(left) - rank(right) || place(left) - place(right) || left.created - right.created);
}
