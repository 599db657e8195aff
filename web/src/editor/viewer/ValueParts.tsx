import type { ValueView } from "../../api/protocol";
import { useT } from "../useT";

interface Props {
  readonly view: ValueView;
  readonly onEnter: (name: string) => void;
}

const summaryOf = (view: ValueView): string => {
  if (view.text !== null) return view.text;
  return view.length === null ? view.type : `${view.type} (${view.length})`;
};

const isDeep = (view: ValueView): boolean => view.pictures > 0 || view.tensor !== null || view.kind === "list" || view.kind === "record" || view.truncated;

/** The parts of a list or record: short ones as they are, the others to be entered. */
export function ValueParts({ view, onEnter }: Props) {
  const t = useT();
  return (
    <>
      <ul className="value-parts">
        {view.items.map((item) => (
          <li key={item.name}>
            <span className="value-name">{item.name}</span>
            {isDeep(item) ? (
              <button type="button" className="link-button value-enter" aria-label={t("viewer.enter", { name: item.name })} onClick={() => onEnter(item.name)}>
                {summaryOf(item)}
              </button>
            ) : (
              <span className="value-text">{summaryOf(item)}</span>
            )}
          </li>
        ))}
      </ul>
      {view.truncated && view.length !== null && <p className="viewer-note">{t("viewer.more", { shown: view.items.length, all: view.length })}</p>}
      {view.length === 0 && <p className="viewer-note">{t("viewer.empty")}</p>}
    </>
  );
}
