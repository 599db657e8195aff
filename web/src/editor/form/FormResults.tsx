import { useEffect, useMemo, useRef } from "react";
import { findPath, recordAt } from "../../graph/bodies";
import type { WorkflowDocument } from "../../graph/document";
import { formOutputs } from "../../graph/form";
import { useEditor } from "../../store/editor";
import { useRun, type NodeRun } from "../../store/run";
import { Player } from "../player/Player";
import { Question } from "../node/Question";
import { UiValue } from "../node/UiValue";
import { motionWanted } from "../shared/motion";
import { useT } from "../useT";

/** What the workflow made, how far it is, and what went wrong: of the chosen outputs only. */
export function FormResults() {
  const t = useT();
  const nodes = useRun((state) => state.nodes);
  const document = useEditor((state) => state.document);
  const catalogue = useEditor((state) => state.catalogue);
  const shownNodes = useMemo(() => formOutputs(document, catalogue), [document, catalogue]);
  const here = Object.entries(nodes).filter(([id]) => recordAt(document, id));
  const running = here.find(([, run]) => run.state === "running");
  const made = shownNodes.flatMap((id): [string, NodeRun][] => (nodes[id] ? [[id, nodes[id]]] : []));
  const preview = here.find(([, run]) => run.state === "running" && run.preview)?.[1].preview;
  const section = useRef<HTMLElement>(null);
  const busy = running !== undefined;
  useEffect(() => {
    if (busy) section.current?.scrollIntoView({ block: "nearest", behavior: motionWanted() ? "smooth" : "auto" });
  }, [busy]);
  const empty = made.every(([, run]) => !run.outputs && !run.ui);
  return (
    <section className="form-results" aria-label={t("form.results")} ref={section}>
      <Failures />
      {running && <Progress document={document} id={running[0]} run={running[1]} />}
      {here.map(([id, run]) => run.question && <Question key={id} node={id} text={run.question.text} choices={run.question.choices} />)}
      {preview && <img className="form-preview" src={preview.url} alt={t("preview.of", { title: "" })} />}
      {made.flatMap(([, run]) => run.outputs ?? []).map((output) => (
        <Player key={output.url} url={output.url} mediaType={output.media_type} title={output.path} path={output.path} faded={running !== undefined} large />
      ))}
      {made.map(([id, run]) => run.ui && !run.outputs && <UiValue key={id} value={run.ui} />)}
      {empty && !running && <p className="media-empty">{t("media.empty")}</p>}
    </section>
  );
}

function nameOf(document: WorkflowDocument, id: string, catalogue: ReadonlyMap<string, { readonly title: string }>): string {
  const record = recordAt(document, id);
  return record?.title ?? catalogue.get(record?.type ?? "")?.title ?? id;
}

function Progress({ document, id, run }: { readonly document: WorkflowDocument; readonly id: string; readonly run: NodeRun }) {
  const t = useT();
  const catalogue = useEditor((state) => state.catalogue);
  const share = run.total ? Math.min(1, (run.step ?? 0) / run.total) : undefined;
  const name = nameOf(document, id, catalogue);
  return (
    <div className="form-progress" role="progressbar" aria-label={name} aria-valuemin={0} aria-valuemax={run.total ?? 1} aria-valuenow={run.total ? (run.step ?? 0) : undefined}>
      <span className={`bar${share === undefined ? " bar-unknown" : ""}`}>
        <span style={share === undefined ? undefined : { transform: `scaleX(${share})` }} />
      </span>
      <span>{run.total ? t("form.progress", { name, step: run.step ?? 0, total: run.total }) : name}</span>
    </div>
  );
}

/** Mistakes at fields of the form are shown there; what else is wrong is said here. */
function Failures() {
  const t = useT();
  const document = useEditor((state) => state.document);
  const catalogue = useEditor((state) => state.catalogue);
  const nodes = useRun((state) => state.nodes);
  const problems = useRun((state) => state.problems);
  const job = useRun((state) => (state.shown === undefined ? undefined : state.jobs[state.shown]));
  const fields = new Set(Object.values(document.inputs).map((input) => `${input.node}|${input.socket}`));
  const said = problems
    .filter((problem) => !fields.has(`${problem.node ?? ""}|${problem.socket ?? ""}`))
    .map((problem) => ({ id: problem.node ?? "", text: problem.message }));
  const failed = Object.entries(nodes).flatMap(([id, run]) => (run.state === "failed" && run.error && findPath(document, id) ? [{ id, text: run.error }] : []));
  const whole = failed.length === 0 && job && (job.state === "failed" || job.state === "parked") && job.error ? [{ id: "", text: job.error.message }] : [];
  return (
    <>
      {[...said, ...failed, ...whole].map(({ id, text }) => (
        <div key={`${id}${text}`} className="callout callout-bad" role="alert">
          <strong>{id === "" ? t("state.failed") : nameOf(document, id, catalogue)}</strong>
          <p>{text}</p>
        </div>
      ))}
    </>
  );
}
