import { useState } from "react";
import type { SocketRef } from "../../graph/document";
import { useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import { momentText } from "../shared/quantities";
import { run } from "../actions/run";
import { useT } from "../useT";
import { useWireValue } from "./useWireValue";
import { ValueShown } from "./ValueShown";

/** One viewer: what an output carried last, or why that cannot be said. */
export function ViewerPane({ target, large }: { readonly target: SocketRef; readonly large: boolean }) {
  const t = useT();
  const language = useUi((state) => state.language);
  const [path, setPath] = useState<readonly string[]>([]);
  const { value, job, reason, asking } = useWireValue(target, path);
  const jobs = useRun((state) => state.jobs);
  const made = job === undefined ? undefined : jobs[job];
  return (
    <div className="viewer-pane" aria-busy={asking}>
      {path.length > 0 && (
        <nav className="viewer-path" aria-label={t("viewer.path")}>
          <button type="button" className="link-button" onClick={() => setPath([])}>{target.socket}</button>
          {path.map((name, place) => (
            <span key={place}>
              {" › "}
              <button type="button" className="link-button" aria-current={place === path.length - 1} onClick={() => setPath(path.slice(0, place + 1))}>{name}</button>
            </span>
          ))}
        </nav>
      )}
      {value ? (
        <>
          <ValueShown value={value} large={large} onEnter={(name) => setPath([...path, name])} />
          <p className="viewer-foot">
            <span>{value.view.type} · {t("viewer.from", { tier: value.tier })}</span>
            {made && <strong>{t("viewer.earlier", { time: momentText(made.created, language) })}</strong>}
          </p>
        </>
      ) : reason !== undefined ? (
        <div className="viewer-none">
          <p className="viewer-reason">{t("viewer.none")}</p>
          <p className="viewer-note">{reason}</p>
          <button type="button" className="small-button" onClick={() => void run([target.node])}>{t("run.toHere")}</button>
        </div>
      ) : (
        <p className="viewer-note" role="status">{t("viewer.asking")}</p>
      )}
    </div>
  );
}
