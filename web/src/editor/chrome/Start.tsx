import { isEmpty } from "../../graph/document";
import { useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { openPaletteAt } from "../canvas/projection";
import { chooseFile } from "../actions/files";
import { Templates } from "../templates/Templates";
import { useT } from "../useT";
import { Dialog } from "./Dialog";

const SHOWN = 8;

/** What an empty canvas shows: templates, and the other ways to begin. */
export function Start() {
  const t = useT();
  const empty = useEditor((state) => isEmpty(state.document));
  const open = useUi((state) => state.templates);
  if (open) {
    return (
      <Dialog title={t("start.templates")} wide onClose={() => setUi({ templates: false })}>
        <Templates onOpened={() => setUi({ templates: false })} />
      </Dialog>
    );
  }
  if (!empty) return null;
  return (
    <section className="start" aria-label={t("start.title")}>
      <h2>{t("start.title")}</h2>
      <p>{t("start.text")}</p>
      <Templates most={SHOWN} onOpened={() => undefined} />
      <p className="start-other">
        <button type="button" className="link-button" onClick={() => openPaletteAt({ x: window.innerWidth / 2 - 200, y: window.innerHeight / 2 - 200 })}>
          {t("start.search")}
        </button>
        <button type="button" className="link-button" onClick={() => setUi({ templates: true })}>
          {t("start.more")}
        </button>
        <button type="button" className="link-button" onClick={chooseFile}>
          {t("start.open")}
        </button>
      </p>
      <p className="start-hint">{t("start.drop")}</p>
    </section>
  );
}
