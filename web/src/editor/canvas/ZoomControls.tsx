import { Panel, useReactFlow } from "@xyflow/react";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { arrange } from "../actions/arrange";
import { fitChosen, openPaletteAt } from "./projection";
import { motionMs } from "../shared/motion";

/** Add, zoom, fit and arrange, at the lower left. */
export function ZoomControls() {
  const t = useT();
  const flow = useReactFlow();
  const openSearch = (): void => openPaletteAt({ x: window.innerWidth / 2 - 200, y: Math.max(80, window.innerHeight / 2 - 240) });
  return (
    <Panel position="bottom-left" className="zoom-controls">
      <button type="button" aria-label={t("palette.title")} title={`${t("palette.title")} (Tab)`} onClick={openSearch}>
        <Icon name="search" />
      </button>
      <button type="button" aria-label={t("zoom.in")} title={t("zoom.in")} onClick={() => void flow.zoomIn({ duration: motionMs(150) })}>
        <Icon name="plus" />
      </button>
      <button type="button" aria-label={t("zoom.out")} title={t("zoom.out")} onClick={() => void flow.zoomOut({ duration: motionMs(150) })}>
        <Icon name="minus" />
      </button>
      <button type="button" aria-label={t("zoom.fit")} title={`${t("zoom.fit")} (F)`} onClick={fitChosen}>
        <Icon name="fit" />
      </button>
      <button type="button" aria-label={t("zoom.arrange")} title={`${t("zoom.arrange")} (L)`} onClick={arrange}>
        <Icon name="layout" />
      </button>
    </Panel>
  );
}
