import { useEffect, useState } from "react";
import { getVersion, listVersions } from "../../api/client";
import type { WorkflowEntry } from "../../api/protocol";
import { normalise } from "../../graph/normalise";
import { openDocument, useEditor } from "../../store/editor";
import { useSaving } from "../../store/saving";
import { setUi, toast, useUi } from "../../store/ui";
import { tr } from "../actions/tr";
import { momentText } from "../shared/quantities";
import { useT } from "../useT";

const MOST = 60;

/** Show what a version has that the open document has not, and the other way round; from there it can be taken back. */
async function showVersion(name: string, entry: WorkflowEntry, title: string): Promise<void> {
  try {
    const { document } = normalise(await getVersion(name, entry.version));
    setUi({
      diff: {
        before: { name: title, document },
        after: { name: tr("diff.now"), document: useEditor.getState().document },
        take: { label: tr("versions.open"), run: () => openDocument(document, "step.version") },
      },
    });
  } catch (error) {
    toast("error", tr("run.failed", { reason: error instanceof Error ? error.message : String(error) }));
  }
}

/** The versions that the server keeps: look at what differs from now, and take one back. */
export function VersionList() {
  const t = useT();
  const language = useUi((state) => state.language);
  const name = useSaving((state) => state.name);
  const saving = useSaving((state) => state.state);
  const [versions, setVersions] = useState<readonly WorkflowEntry[]>([]);
  useEffect(() => {
    if (name === "" || saving !== "saved") return;
    listVersions(name).then(
      (list) => setVersions(list.workflows.slice(0, MOST)),
      () => setVersions([]),
    );
  }, [name, saving]);
  if (versions.length === 0) return null;
  return (
    <section>
      <h3>{t("versions.title")}</h3>
      <ol className="steps">
        {versions.map((entry) => {
          const title = t(entry.autosave ? "versions.auto" : "versions.saved", { version: entry.version });
          return (
            <li key={entry.version}>
              <button type="button" className="step" title={t("versions.compare")} onClick={() => void showVersion(name, entry, title)}>
                <span>{title}</span>
                <small>{momentText(entry.saved, language)}</small>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
