import { useEffect, useMemo, useState } from "react";
import { getJob } from "../../api/client";
import type { WorkflowDocument } from "../../graph/document";
import { forkableNodes } from "../../graph/fork";
import { normalise } from "../../graph/normalise";
import { useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { Dialog } from "../chrome/Dialog";
import { useT } from "../useT";
import { ForkForm } from "./ForkForm";

const close = (): void => setUi({ fork: undefined });

/** Go on from a step of a past run with other values. */
export function ForkDialog() {
  const t = useT();
  const request = useUi((state) => state.fork);
  if (!request) return null;
  return (
    <Dialog title={t("fork.title")} onClose={close}>
      <OpenForkDialog key={request.job} job={request.job} wanted={request.node} />
    </Dialog>
  );
}

function OpenForkDialog({ job, wanted }: { readonly job: string; readonly wanted: string | undefined }) {
  const t = useT();
  const catalogue = useEditor((state) => state.catalogue);
  const [document, setDocument] = useState<WorkflowDocument>();
  const [problem, setProblem] = useState<string>();
  const [chosen, setChosen] = useState(wanted);
  useEffect(() => {
    getJob(job).then(
      (found) => setDocument(normalise(found.workflow).document),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }, [job]);
  const samplers = useMemo(() => (document ? forkableNodes(document, catalogue) : []), [document, catalogue]);
  if (problem !== undefined) return <p className="callout callout-bad">{problem}</p>;
  if (!document) return <p role="status">{t("viewer.asking")}</p>;
  const node = samplers.find((id) => id === chosen) ?? samplers[0];
  if (node === undefined) return <p>{t("fork.none")}</p>;
  return (
    <>
      {samplers.length > 1 && (
        <label className="fork-sampler">
          {t("fork.sampler")}{" "}
          <select value={node} onChange={(event) => setChosen(event.target.value)}>
            {samplers.map((id) => (
              <option key={id} value={id}>{document.nodes[id]?.title ?? id}</option>
            ))}
          </select>
        </label>
      )}
      <ForkForm key={node} job={job} node={node} document={document} onDone={close} />
    </>
  );
}
