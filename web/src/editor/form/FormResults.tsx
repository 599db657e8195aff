import { recordAt } from "../../graph/bodies";
import { useEditor } from "../../store/editor";
import { useRun } from "../../store/run";
import { Player } from "../player/Player";
import { useT } from "../useT";

/** What the workflow made, and how far it is. */
export function FormResults() {
  const t = useT();
  const nodes = useRun((state) => state.nodes);
  const document = useEditor((state) => state.document);
  const running = Object.entries(nodes).find(([id, run]) => run.state === "running" && recordAt(document, id));
  const outputs = Object.entries(nodes).flatMap(([id, run]) => (recordAt(document, id) ? (run.outputs ?? []) : []));
  const preview = Object.values(nodes).find((run) => run.state === "running" && run.preview)?.preview;
  const share = running?.[1].total ? (running[1].step ?? 0) / running[1].total : undefined;
  return (
    <section className="form-results" aria-label={t("form.results")}>
      {running && (
        <div className="form-progress">
          <span className={`bar${share === undefined ? " bar-unknown" : ""}`}>
            <span style={share === undefined ? undefined : { transform: `scaleX(${share})` }} />
          </span>
          <span>{recordAt(document, running[0])?.title ?? running[0]}</span>
        </div>
      )}
      {preview && <img className="form-preview" src={preview.url} alt={t("preview.of", { title: "" })} />}
      {outputs.map((output) => (
        <Player key={output.url} url={output.url} mediaType={output.media_type} title={output.path} path={output.path} large />
      ))}
      {outputs.length === 0 && !running && <p className="media-empty">{t("media.empty")}</p>}
    </section>
  );
}
