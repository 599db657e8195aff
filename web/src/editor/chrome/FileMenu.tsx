import { useState } from "react";
import { setUi } from "../../store/ui";
import { chooseFile, copyLink, exportFile, newWorkflow } from "../actions/files";
import { saveNow } from "../actions/autosave";
import { useT } from "../useT";
import { Icon } from "../shared/Icon";
import { Menu } from "./Menu";

/** The mark of Kinograph, and behind it what can be done with files. */
export function FileMenu() {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <div className="file-menu">
      <button type="button" className="brand" aria-label={`Kinograph: ${t("file.menu")}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <rect x="2" y="2" width="28" height="28" rx="8" fill="var(--brand)" />
          <path d="M9 10h5v12H9zM16 16l7-6v12z" fill="var(--brand-ink)" />
        </svg>
        <span className="brand-name">Kinograph</span>
        <Icon name="chevron" size={14} />
      </button>
      {open && (
        <Menu
          label={t("file.menu")}
          onClose={() => setOpen(false)}
          items={[
            { label: t("file.new"), run: newWorkflow },
            { label: t("file.templates"), run: () => setUi({ templates: true }) },
            { label: t("file.openSaved"), keys: "Ctrl+O", run: () => setUi({ files: "open" }) },
            { label: t("file.open"), run: chooseFile },
            { label: t("file.save"), keys: "Ctrl+S", run: () => void saveNow(), separated: true },
            { label: t("file.saveAs"), keys: "Ctrl+Shift+S", run: () => setUi({ files: "save" }) },
            { label: t("file.export"), run: () => void exportFile() },
            { label: t("file.link"), run: () => void copyLink() },
          ]}
        />
      )}
    </div>
  );
}
