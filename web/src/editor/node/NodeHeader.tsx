import { memo, useState } from "react";
import { containerOf, isBoundary } from "../../graph/bodies";
import { setTitle, toggleCollapsed } from "../../graph/commands";
import type { Placed } from "../../graph/place";
import { apply } from "../../store/editor";
import type { NodeState } from "../../store/run";
import { Icon } from "../shared/Icon";
import { enterNode } from "../actions/nesting";
import { titleOf } from "../shared/titles";
import { ViewerMarks } from "./ViewerMarks";
import { Warnings } from "./Warnings";
import { CollapsedSockets } from "./CollapsedSockets";
import { useT } from "../useT";

interface Props {
  readonly placed: Placed;
  readonly state: NodeState | undefined;
}

/** Title, collapse, and what is special about the node. Double-click renames it. */
export const NodeHeader = memo(function NodeHeader({ placed, state }: Props) {
  const t = useT();
  const [draft, setDraft] = useState<string>();
  const { id, record, info } = placed;
  const collapsed = placed.layout.collapsed === true;
  const finish = (keep: boolean): void => {
    if (draft !== undefined && keep) apply(setTitle(id, draft), "step.title");
    setDraft(undefined);
  };
  return (
    <div className="node-header" title={info?.summary}>
      {collapsed && <CollapsedSockets placed={placed} />}
      <button
        type="button"
        className="node-fold nodrag"
        tabIndex={-1}
        aria-expanded={!collapsed}
        aria-label={t(collapsed ? "node.expand" : "node.collapse")}
        onClick={() => apply(toggleCollapsed([id]), "step.collapse")}
      >
        <span className={collapsed ? "turned" : ""}>
          <Icon name="chevron" size={14} />
        </span>
      </button>
      {draft === undefined ? (
        <span className="node-title" onDoubleClick={() => !isBoundary(id) && setDraft(titleOf(placed))}>
          {titleOf(placed)}
        </span>
      ) : (
        <input
          className="node-title-input nodrag"
          autoFocus
          value={draft}
          aria-label={t("node.rename")}
          onFocus={(event) => event.target.select()}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={() => finish(true)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter") finish(true);
            if (event.key === "Escape") finish(false);
          }}
        />
      )}
      {containerOf(record.type) && (
        <button type="button" className="node-enter nodrag" tabIndex={-1} aria-label={t("subgraph.enter")} title={`${t("subgraph.enter")} (Enter)`} onClick={() => enterNode(id)}>
          <Icon name="enter" size={15} />
        </button>
      )}
      {record.mode && <span className="badge">{t(`mode.${record.mode}`)}</span>}
      {info?.experimental && <span className="badge">{t("node.experimental")}</span>}
      {info?.deprecated && <span className="badge badge-warning" title={info.deprecated}>{t("node.deprecated")}</span>}
      {placed.sockets.ghost && !isBoundary(id) && <span className="badge badge-warning">{t("node.missing")}</span>}
      <ViewerMarks id={placed.path} />
      <Warnings id={id} path={placed.path} />
      {state === "cached" && <span className="node-mark" title={t("state.cached")}><Icon name="check" size={14} /></span>}
      {state === "done" && <span className="node-mark node-mark-done" title={t("state.done")}><Icon name="check" size={14} /></span>}
      {state === "failed" && <span className="node-mark node-mark-failed" title={t("state.failed")}><Icon name="warning" size={14} /></span>}
    </div>
  );
});
