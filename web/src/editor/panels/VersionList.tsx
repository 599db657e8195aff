import { useEffect, useState } from "react";
import { getVersion, listVersions } from "../../api/client";
import type { WorkflowEntry } from "../../api/protocol";
import { diffDocuments, type Change } from "../../graph/diff";
import type { WorkflowDocument } from "../../graph/document";
import { normalise } from "../../graph/normalise";
import { openDocument, useEditor } from "../../store/editor";
import { useSaving } from "../../store/saving";
import { toast, useUi } from "../../store/ui";
import { tr } from "../actions/tr";
import { momentText } from "../shared/quantities";
import { useT } from "../useT";

interface Looked {
  readonly version: number;
  readonly document: WorkflowDocument;
  readonly changes: readonly Change[];
}

const MOST = 40;

/** The versions that the server keeps: look at what differs from now, and take one back. */
export function VersionList() {
  const t = useT();
  const language = useUi((state) => state.language);
  const name = useSaving((state) => state.name);
  const saving = useSaving((state) => state.state);
  const [versions, setVersions] = useState<readonly WorkflowEntry[]>([]);
  const [looked, setLooked] = useState<Looked>();
  useEffect(() => {
    if (name === "" || saving !== "saved") return;
    listVersions(name).then(
      (list) => setVersions(list.workflows.slice(0, MOST)),
      () => setVersions([]),
    );
  }, [name, saving]);

  const look = async (version: number): Promise<void> => {
    try {
      const { document } = normalise(await getVersion(name, version));
      setLooked({ version, document, changes: diffDocuments(document, useEditor.getState().document) });
    } catch (error) {
      toast("error", tr("run.failed", { reason: error instanceof Error ? error.message : String(error) }));
    }
  };
  if (versions.length === 0) return null;
  return (
    <section>
      <h3>{t("versions.title")}</h3>
      <ol className="steps">
        {versions.map((entry) => (
          <li key={entry.version}>
            <button type="button" className="step" aria-expanded={looked?.version === entry.version} onClick={() => void look(entry.version)}>
              <span>{t(entry.autosave ? "versions.auto" : "versions.saved", { version: entry.version })}</span>
              <small>{momentText(entry.saved, language)}</small>
            </button>
            {looked?.version === entry.version && (
              <div className="version">
                {looked.changes.length === 0 ? <p>{t("versions.same")}</p> : <ChangeList changes={looked.changes} />}
                <button type="button" className="small-button" onClick={() => openDocument(looked.document, "step.version")}>
                  {t("versions.open")}
                </button>
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function ChangeList({ changes }: { readonly changes: readonly Change[] }) {
  const t = useT();
  return (
    <ul className="changes">
      {changes.slice(0, 60).map((change) => (
        <li key={`${change.kind}${change.node}${change.socket ?? ""}`} className={`change change-${change.kind}`}>
          <strong>{change.socket === undefined ? change.node : `${change.node}.${change.socket}`}</strong>{" "}
          {change.before === undefined ? t(`diff.${change.kind === "added" ? "added" : "removed"}`) : `${change.before} → ${change.after ?? ""}`}
        </li>
      ))}
    </ul>
  );
}
