import { useState } from "react";
import type { WorkflowEntry } from "../../api/protocol";
import { useUi } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { bytesText, momentText } from "../shared/quantities";
import { useT } from "../useT";

interface Props {
  readonly entry: WorkflowEntry;
  readonly name: string;
  /** It is the one that is open in this tab. */
  readonly present: boolean;
  readonly onOpen: () => void;
  readonly onRename: (name: string) => void;
  readonly onRemove: () => void;
}

/** One saved workflow. The one that is open can neither be renamed nor removed here: it would come back by itself. */
export function SavedRow({ entry, name, present, onOpen, onRename, onRemove }: Props) {
  const t = useT();
  const language = useUi((state) => state.language);
  const [draft, setDraft] = useState<string>();
  const finish = (keep: boolean): void => {
    if (keep && draft !== undefined && draft.trim() !== "" && draft.trim() !== name) onRename(draft.trim());
    setDraft(undefined);
  };
  return (
    <li className="saved-row">
      {draft === undefined ? (
        <button type="button" className="saved-open" onClick={onOpen}>
          <span className="saved-name">
            {name}
            {present && <em>{t("saved.present")}</em>}
          </span>
          <small>
            {momentText(entry.saved, language)} · {t("saved.versions", { count: entry.versions })} · {bytesText(entry.size)}
          </small>
        </button>
      ) : (
        <input
          autoFocus
          className="text-input saved-rename"
          aria-label={t("saved.rename", { name })}
          value={draft}
          onFocus={(event) => event.target.select()}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={() => finish(true)}
          onKeyDown={(event) => {
            if (event.key === "Enter") finish(true);
            if (event.key === "Escape") finish(false);
            if (event.key === "Enter" || event.key === "Escape") event.preventDefault();
            event.stopPropagation();
          }}
        />
      )}
      <button type="button" className="icon-button" disabled={present} aria-label={t("saved.rename", { name })} title={t("saved.rename", { name })} onClick={() => setDraft(name)}>
        <Icon name="form" size={16} />
      </button>
      <button type="button" className="icon-button" disabled={present} aria-label={t("saved.remove", { name })} title={t("saved.remove", { name })} onClick={onRemove}>
        <Icon name="close" size={16} />
      </button>
    </li>
  );
}
