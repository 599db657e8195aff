import { setMeta } from "../../graph/commands";
import { applyWhole, redoStep, undoStep, useEditor } from "../../store/editor";
import { setLanguage, setTheme, setUi, togglePanel, useUi, type Panel } from "../../store/ui";
import { Icon, type IconName } from "../shared/Icon";
import { useT } from "../useT";
import { ConnectionMark } from "./ConnectionMark";
import { FileMenu } from "./FileMenu";
import { PluginTroubles } from "./PluginTroubles";
import { RunControls } from "./RunControls";
import { SaveMark } from "./SaveMark";

const PANELS: readonly (readonly [Panel, IconName])[] = [
  ["jobs", "queue"],
  ["gallery", "gallery"],
  ["form", "form"],
  ["history", "history"],
  ["node", "info"],
];

/** The bar at the top: file, undo, Run, panels, looks. */
export function TopBar() {
  const t = useT();
  const title = useEditor((state) => (typeof state.document.meta.title === "string" ? state.document.meta.title : ""));
  const canUndo = useEditor((state) => state.history.past.length > 0);
  const canRedo = useEditor((state) => state.history.future.length > 0);
  const panel = useUi((state) => state.panel);
  const theme = useUi((state) => state.theme);
  const language = useUi((state) => state.language);
  return (
    <header className="topbar">
      <div className="topbar-part">
        <FileMenu />
        <input
          className="title-input"
          aria-label={t("top.title")}
          placeholder={t("top.untitled")}
          value={title}
          onChange={(event) => applyWhole(setMeta("title", event.target.value), "step.title", "meta:title")}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <SaveMark />
        <span className="divider" />
        <button type="button" className="icon-button" disabled={!canUndo} aria-label={t("top.undo")} title={`${t("top.undo")} (Ctrl+Z)`} onClick={undoStep}>
          <Icon name="undo" />
        </button>
        <button type="button" className="icon-button" disabled={!canRedo} aria-label={t("top.redo")} title={`${t("top.redo")} (Ctrl+Shift+Z)`} onClick={redoStep}>
          <Icon name="redo" />
        </button>
      </div>
      <div className="topbar-part topbar-middle">
        <RunControls />
      </div>
      <div className="topbar-part topbar-end">
        <PluginTroubles />
        <ConnectionMark />
        {PANELS.map(([name, icon]) => (
          <button
            key={name}
            type="button"
            className="icon-button"
            aria-pressed={panel === name}
            aria-label={t(`panel.${name}`)}
            title={t(`panel.${name}`)}
            onClick={() => togglePanel(name)}
          >
            <Icon name={icon} />
          </button>
        ))}
        <span className="divider" />
        <button type="button" className="icon-button icon-text" aria-label={t("top.language")} title={t("top.language")} onClick={() => setLanguage(language === "en" ? "zh" : "en")}>
          {language === "en" ? "中" : "EN"}
        </button>
        <button type="button" className="icon-button" aria-label={t(theme === "dark" ? "top.light" : "top.dark")} title={t(theme === "dark" ? "top.light" : "top.dark")} onClick={() => setTheme(theme === "dark" ? "light" : "dark")}>
          <Icon name={theme === "dark" ? "sun" : "moon"} />
        </button>
        <button type="button" className="icon-button" aria-label={t("top.help")} title={`${t("top.help")} (?)`} onClick={() => setUi({ shortcuts: true })}>
          <Icon name="help" />
        </button>
      </div>
    </header>
  );
}
