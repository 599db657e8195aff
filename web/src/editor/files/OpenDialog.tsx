import { useCallback, useEffect, useMemo, useState, type KeyboardEvent } from "react";
import { deleteWorkflow, getWorkflow, listWorkflows, putWorkflow, renameWorkflow } from "../../api/client";
import type { WorkflowEntry } from "../../api/protocol";
import { BLOCKS } from "../../store/blocks";
import { useSaving } from "../../store/saving";
import { setUi, toast, useUi } from "../../store/ui";
import { isDraft } from "../actions/autosave";
import { chooseFile, openSaved } from "../actions/files";
import { Dialog } from "../chrome/Dialog";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { SavedRow } from "./SavedRow";

type Shelf = "named" | "drafts" | "blocks";
const SHELVES: readonly Shelf[] = ["named", "drafts", "blocks"];
const PAUSE_MS = 150;

function shelfOf(entry: WorkflowEntry): Shelf {
  if (entry.name.startsWith(BLOCKS)) return "blocks";
  return isDraft(entry.name) ? "drafts" : "named";
}

/** The workflows that the server keeps: search (also in what they say), open, rename, take off the list. */
export function OpenDialog() {
  const open = useUi((state) => state.files === "open");
  return open ? <OpenList /> : null;
}

function OpenList() {
  const t = useT();
  const [query, setQuery] = useState("");
  const [shelf, setShelf] = useState<Shelf>("named");
  const [entries, setEntries] = useState<readonly WorkflowEntry[]>();
  const [failed, setFailed] = useState("");
  const present = useSaving((state) => state.name);
  const close = (): void => setUi({ files: undefined });
  const say = useCallback((error: unknown): void => {
    toast("error", t("run.failed", { reason: error instanceof Error ? error.message : String(error) }));
  }, [t]);

  const load = useCallback(async (): Promise<void> => {
    try {
      setEntries((await listWorkflows(query.trim())).workflows);
      setFailed("");
    } catch (error) {
      setFailed(error instanceof Error ? error.message : String(error));
    }
  }, [query]);
  useEffect(() => {
    const timer = setTimeout(() => void load(), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [load]);

  const shown = useMemo(() => (entries ?? []).filter((entry) => shelfOf(entry) === shelf), [entries, shelf]);
  const counts = useMemo(() => {
    const result = { named: 0, drafts: 0, blocks: 0 };
    for (const entry of entries ?? []) result[shelfOf(entry)] += 1;
    return result;
  }, [entries]);

  const open = (entry: WorkflowEntry): void => {
    openSaved(entry.name, entry.version).then(close, say);
  };
  const rename = (entry: WorkflowEntry, wanted: string): void => {
    const prefix = shelf === "blocks" ? BLOCKS : "";
    renameWorkflow(entry.name, prefix + wanted)
      .then(load)
      .catch(say);
  };
  const remove = async (entry: WorkflowEntry): Promise<void> => {
    try {
      const kept = await getWorkflow(entry.name);
      await deleteWorkflow(entry.name);
      await load();
      const back = (): void => void putWorkflow(entry.name, kept).then(load).catch(say);
      toast("info", t("saved.removed", { name: entry.name }), { label: t("top.undo"), run: back });
    } catch (error) {
      say(error);
    }
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(".saved-open")];
    const place = rows.indexOf(document.activeElement as HTMLElement);
    const next = rows[event.key === "ArrowDown" ? place + 1 : place - 1];
    if (next) next.focus();
    else if (event.key === "ArrowUp") event.currentTarget.querySelector<HTMLElement>("input")?.focus();
    event.preventDefault();
  };
  return (
    <Dialog title={t("file.openSaved")} onClose={close} wide>
      <div className="saved" onKeyDown={onKeyDown}>
        <div className="saved-head">
          <label className="saved-search">
            <Icon name="search" size={16} />
            <input data-first type="search" value={query} placeholder={t("saved.search")} aria-label={t("saved.search")} onChange={(event) => setQuery(event.target.value)} />
          </label>
          <button
            type="button"
            className="small-button"
            onClick={() => {
              close();
              chooseFile();
            }}
          >
            {t("file.open")}
          </button>
        </div>
        <div className="saved-shelves" role="group" aria-label={t("saved.shelves")}>
          {SHELVES.map((name) => (
            <button key={name} type="button" className="small-button" aria-pressed={shelf === name} onClick={() => setShelf(name)}>
              {t(`saved.${name}`)} <small>{counts[name]}</small>
            </button>
          ))}
        </div>
        {failed !== "" && <p role="alert" className="callout callout-bad">{failed}</p>}
        {entries !== undefined && shown.length === 0 && <p className="saved-none">{t(query.trim() === "" ? `saved.empty.${shelf}` : "gallery.none")}</p>}
        <ul className="saved-list" aria-label={t(`saved.${shelf}`)}>
          {shown.map((entry) => (
            <SavedRow
              key={entry.name}
              entry={entry}
              name={shelf === "blocks" ? entry.name.slice(BLOCKS.length) : entry.name}
              present={entry.name === present}
              onOpen={() => open(entry)}
              onRename={(wanted) => rename(entry, wanted)}
              onRemove={() => void remove(entry)}
            />
          ))}
        </ul>
      </div>
    </Dialog>
  );
}
