import type { Change } from "../../graph/diff";
import { useT } from "../useT";
import { PARTS, sentenceOf, sideText } from "./words";

const MOST = 200;

/** Changes in words, what decides the result first; how many places on the canvas moved is only counted. */
export function ChangeList({ changes }: { readonly changes: readonly Change[] }) {
  const t = useT();
  const moved = changes.filter((change) => change.part === "layout").length;
  return (
    <>
      {PARTS.map((part) => {
        const found = changes.filter((change) => change.part === part);
        if (found.length === 0) return null;
        return (
          <section key={part} className="change-part">
            <h3>{t(`diff.part.${part}`)}</h3>
            <ul className="changes">
              {found.slice(0, MOST).map((change) => (
                <ChangeRow key={`${change.kind}${change.node}|${change.place}`} change={change} />
              ))}
              {found.length > MOST && <li className="change">{t("diff.more", { count: found.length - MOST })}</li>}
            </ul>
          </section>
        );
      })}
      {moved > 0 && <p className="diff-moved">{t("diff.moved", { count: moved })}</p>}
    </>
  );
}

function ChangeRow({ change }: { readonly change: Change }) {
  const t = useT();
  const { about, says } = sentenceOf(change);
  return (
    <li className={`change change-${change.kind}`}>
      <strong title={change.type}>{about}</strong>{" "}
      {says ? (
        t(says.key, says.fill)
      ) : (
        <>
          <del>{change.before === undefined ? t("diff.default") : sideText(change, change.before)}</del> <span aria-hidden="true">→</span>{" "}
          <ins>{change.after === undefined ? t("diff.default") : sideText(change, change.after)}</ins>
        </>
      )}
    </li>
  );
}
