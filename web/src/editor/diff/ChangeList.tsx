import type { Change } from "../../graph/diff";
import { useT } from "../useT";

const MOST = 200;
const LONGEST = 300;

/** Values of a sub-graph are whole documents: only their beginning is read. */
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** Changes in words: what is new, what is gone, and values before and after. */
export function ChangeList({ changes }: { readonly changes: readonly Change[] }) {
  const t = useT();
  return (
    <ul className="changes">
      {changes.slice(0, MOST).map((change) => (
        <li key={`${change.kind}${change.node}${change.socket ?? ""}`} className={`change change-${change.kind}`}>
          <strong>{change.socket === undefined ? change.node : `${change.node}.${change.socket}`}</strong>{" "}
          {change.before === undefined ? (
            t(`diff.${change.kind === "added" ? "added" : "removed"}`)
          ) : (
            <>
              <del>{short(change.before)}</del> <span aria-hidden="true">→</span> <ins>{short(change.after ?? "")}</ins>
            </>
          )}
        </li>
      ))}
      {changes.length > MOST && <li className="change">{t("diff.more", { count: changes.length - MOST })}</li>}
    </ul>
  );
}
