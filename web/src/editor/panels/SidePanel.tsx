import { lazy, Suspense, useEffect, useRef } from "react";
import { setUi, useUi } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { FormPanel } from "../form/FormPanel";
import { GalleryPanel } from "./GalleryPanel";
import { HistoryPanel } from "./HistoryPanel";
import { JobsPanel } from "./JobsPanel";

const NodePanel = lazy(() => import("./NodePanel").then((module) => ({ default: module.NodePanel })));

/** The panel at the right: one at a time. */
export function SidePanel() {
  const t = useT();
  const panel = useUi((state) => state.panel);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (panel) element.current?.scrollTo(0, 0);
  }, [panel]);
  if (!panel) return null;
  return (
    <aside className="panel" aria-label={t(`panel.${panel}`)} ref={element}>
      <header className="panel-head">
        <h2>{t(`panel.${panel}`)}</h2>
        <button type="button" className="icon-button" aria-label={t("close")} onClick={() => setUi({ panel: undefined })}>
          <Icon name="close" />
        </button>
      </header>
      <div className="panel-body">
        {panel === "jobs" && <JobsPanel />}
        {panel === "gallery" && <GalleryPanel />}
        {panel === "history" && <HistoryPanel />}
        {panel === "form" && <FormPanel />}
        {panel === "node" && (
          <Suspense fallback={null}>
            <NodePanel />
          </Suspense>
        )}
      </div>
    </aside>
  );
}
