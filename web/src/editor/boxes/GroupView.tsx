import type { NodeProps } from "@xyflow/react";
import { memo, useState, type CSSProperties } from "react";
import { changeBox } from "../../graph/boxes";
import { apply } from "../../store/editor";
import { useT } from "../useT";
import type { GroupNode } from "../canvas/useFlowNodes";
import { BoxResizer } from "./BoxResizer";

/** A group: a titled frame behind nodes; dragging its title takes along what lies in it. */
export const GroupView = memo(function GroupView({ data: { group }, selected }: NodeProps<GroupNode>) {
  const t = useT();
  const [editing, setEditing] = useState(false);
  const style = { width: group.width, height: group.height, "--accent": group.color ?? "var(--accent-neutral)" } as CSSProperties;
  return (
    <div className={`group${selected ? " node-selected" : ""}`} style={style}>
      <div className="group-title" onDoubleClick={() => setEditing(true)}>
        {editing ? (
          <input
            className="nodrag"
            autoFocus
            aria-label={t("group.rename")}
            value={group.title}
            onFocus={(event) => event.target.select()}
            onChange={(event) => apply(changeBox("groups", group.id, { title: event.target.value }), "step.group", `group:${group.id}`)}
            onBlur={() => setEditing(false)}
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === "Enter" || event.key === "Escape") setEditing(false);
            }}
          />
        ) : (
          group.title || t("group.untitled")
        )}
      </div>
      {selected && <BoxResizer kind="groups" id={group.id} width={group.width} height={group.height} />}
    </div>
  );
});
