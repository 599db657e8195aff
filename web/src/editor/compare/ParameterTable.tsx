import { useEffect, useMemo, useState } from "react";
import { getJob } from "../../api/client";
import type { Job } from "../../api/protocol";
import { diffDocuments, type Change } from "../../graph/diff";
import type { WorkflowDocument } from "../../graph/document";
import { normalise } from "../../graph/normalise";
import { shortValue } from "../diff/words";
import { setUi, useUi } from "../../store/ui";
import { openJob } from "../actions/run";
import { momentText, secondsText } from "../shared/quantities";
import { useT } from "../useT";

interface Loaded {
  readonly job: Job;
  readonly document: WorkflowDocument;
}

async function load(id: string): Promise<Loaded> {
  const job = await getJob(id);
  return { job, document: normalise(job.workflow).document };
}

/** What differs between two runs: their values, wires and nodes, and what they took. */
export function ParameterTable({ first, second }: { readonly first: string; readonly second: string }) {
  const t = useT();
  const language = useUi((state) => state.language);
  const [runs, setRuns] = useState<readonly [Loaded, Loaded]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let alive = true;
    Promise.all([load(first), load(second)]).then(
      (found) => alive && setRuns(found),
      (error: unknown) => alive && setProblem(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      alive = false;
    };
  }, [first, second]);
  const changes = useMemo(() => (runs ? diffDocuments(runs[0].document, runs[1].document).filter((change) => change.part === "meaning") : []), [runs]);
  if (problem !== undefined) return <p className="callout callout-bad">{problem}</p>;
  if (!runs) return <p role="status">{t("viewer.asking")}</p>;
  const [a, b] = runs;
  const time = (run: Loaded): string => (run.job.seconds === null ? "–" : secondsText(run.job.seconds, language));
  const showGraph = (): void => {
    const names = [a, b].map((run, place) => `${place === 0 ? "A" : "B"} (${momentText(run.job.created, language)})`);
    setUi({ compare: undefined, diff: { before: { name: names[0] ?? "A", document: a.document }, after: { name: names[1] ?? "B", document: b.document } } });
  };
  return (
    <section className="parameters">
      <table>
        <caption>{t("compare.parameters")}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col"><Head name="A" run={a} /></th>
            <th scope="col"><Head name="B" run={b} /></th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <Row key={`${change.kind}${change.node}|${change.place}`} change={change} document={b.document} />
          ))}
          <tr className="parameters-quiet">
            <th scope="row">{t("details.time")}</th>
            <td>{time(a)}</td>
            <td>{time(b)}</td>
          </tr>
        </tbody>
      </table>
      {changes.length === 0 && <p className="viewer-note">{t("compare.same")}</p>}
      <button type="button" className="small-button" disabled={changes.length === 0} onClick={showGraph}>
        {t("compare.graph")}
      </button>
    </section>
  );
}

function Head({ name, run }: { readonly name: string; readonly run: Loaded }) {
  const t = useT();
  const language = useUi((state) => state.language);
  return (
    <>
      {name} <small>{momentText(run.job.created, language)}</small>{" "}
      <button
        type="button"
        className="link-button"
        onClick={() => {
          setUi({ compare: undefined });
          void openJob(run.job.id);
        }}
      >
        {t("jobs.open")}
      </button>
    </>
  );
}

function Row({ change, document }: { readonly change: Change; readonly document: WorkflowDocument }) {
  const t = useT();
  const title = document.nodes[change.node]?.title;
  const name = change.place === "" ? change.node : `${title ?? change.node}.${change.place}`;
  const there = t("compare.there");
  const node = change.kind === "added" || change.kind === "removed";
  const [before, after] = [change.before, change.after].map((value) => (node && value !== undefined ? there : shortValue(value)));
  return (
    <tr>
      <th scope="row" title={change.type}>{name}</th>
      <td>{before}</td>
      <td>{after}</td>
    </tr>
  );
}
