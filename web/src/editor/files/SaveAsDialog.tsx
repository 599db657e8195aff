import { useState, type FormEvent } from "react";
import { setMeta } from "../../graph/commands";
import { applyWhole, useEditor } from "../../store/editor";
import { useSaving } from "../../store/saving";
import { setUi, toast, useUi } from "../../store/ui";
import { isDraft, saveAs } from "../actions/autosave";
import { Dialog } from "../chrome/Dialog";
import { useT } from "../useT";

/** Under which name the server keeps the workflow. A name that is taken is only taken over when that is said. */
export function SaveAsDialog() {
  const open = useUi((state) => state.files === "save");
  return open ? <OpenSaveAs /> : null;
}

function OpenSaveAs() {
  const t = useT();
  const [name, setName] = useState(() => {
    const { title } = useEditor.getState().document.meta;
    const { name: present } = useSaving.getState();
    return isDraft(present) ? (typeof title === "string" ? title : "") : present;
  });
  const [taken, setTaken] = useState("");
  const close = (): void => setUi({ files: undefined });
  const save = async (over: boolean): Promise<void> => {
    const wanted = name.trim();
    if (wanted === "") return;
    applyWhole(setMeta("title", wanted), "step.title");
    try {
      if (!(await saveAs(wanted, over))) {
        setTaken(wanted);
        return;
      }
      close();
      toast("info", t("save.as", { name: wanted }));
    } catch (error) {
      toast("error", t("run.failed", { reason: error instanceof Error ? error.message : String(error) }));
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void save(taken !== "" && taken === name.trim());
  };
  const isTaken = taken !== "" && taken === name.trim();
  return (
    <Dialog title={t("file.saveAs")} onClose={close}>
      <form className="save-as" onSubmit={submit}>
        <label>
          <span>{t("save.name")}</span>
          <input data-first className="text-input" value={name} maxLength={200} onChange={(event) => setName(event.target.value)} onFocus={(event) => event.target.select()} />
        </label>
        {isTaken && <p role="alert" className="callout callout-warn">{t("save.taken", { name: taken })}</p>}
        <div className="dialog-actions">
          <button type="button" className="small-button" onClick={close}>{t("cancel")}</button>
          <button type="submit" className="small-button small-button-main" disabled={name.trim() === ""}>
            {t(isTaken ? "save.over" : "file.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
