import { useMemo } from "react";
import { mergeDocuments, tally } from "../../graph/merge";
import { setUi, useUi, type DiffRequest } from "../../store/ui";
import { Dialog } from "../chrome/Dialog";
import { useT } from "../useT";
import { ChangeList } from "./ChangeList";
import { DiffCanvas } from "./DiffCanvas";

/** What differs between two documents: on a canvas, and as a list. */
export function DiffDialog() {
  const t = useT();
  const request = useUi((state) => state.diff);
  if (!request) return null;
  const title = t("diff.title", { before: request.before.name, after: request.after.name });
  return (
    <Dialog title={title} wide onClose={close}>
      <Diff request={request} />
    </Dialog>
  );
}

const close = (): void => setUi({ diff: undefined });

function Diff({ request }: { readonly request: DiffRequest }) {
  const t = useT();
  const { before, after, take } = request;
  const merged = useMemo(() => mergeDocuments(before.document, after.document), [before, after]);
  const { added, removed, changed } = tally(merged);
  return (
    <div className="diff">
      <DiffCanvas merged={merged} />
      <aside className="diff-side">
        <ul className="diff-legend">
          <li className="fate-added">{t("diff.count.added", { count: added })}</li>
          <li className="fate-removed">{t("diff.count.removed", { count: removed })}</li>
          <li className="fate-changed">{t("diff.count.changed", { count: changed })}</li>
        </ul>
        {merged.changes.length === 0 ? <p className="diff-none">{t("diff.same")}</p> : <ChangeList changes={merged.changes} />}
        {take && (
          <button
            type="button"
            className="small-button"
            onClick={() => {
              take.run();
              close();
            }}
          >
            {take.label}
          </button>
        )}
      </aside>
    </div>
  );
}
