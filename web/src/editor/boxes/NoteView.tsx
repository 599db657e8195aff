import type { NodeProps } from "@xyflow/react";
import { memo, type CSSProperties } from "react";
import { changeBox } from "../../graph/boxes";
import { apply } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { Markdown } from "../shared/Markdown";
import { useT } from "../useT";
import type { NoteNode } from "../canvas/useFlowNodes";
import { BoxResizer } from "./BoxResizer";

/** A note on the canvas, in Markdown. A new one is written at once; double-click or Enter edits it. */
export const NoteView = memo(function NoteView({ data: { note }, selected }: NodeProps<NoteNode>) {
  const t = useT();
  const editing = useUi((state) => state.writing === note.id);
  const write = (): void => setUi({ writing: note.id });
  const finish = (): void => setUi((state) => (state.writing === note.id ? { writing: undefined } : {}));
  const style = { width: note.width, height: note.height, ...(note.color ? { "--accent": note.color } : {}) } as CSSProperties;
  return (
    <div className={`note${selected ? " node-selected" : ""}`} style={style} onDoubleClick={write}>
      {editing ? (
        <textarea
          className="note-edit nodrag nowheel"
          autoFocus
          aria-label={t("note.edit")}
          value={note.text}
          onChange={(event) => apply(changeBox("notes", note.id, { text: event.target.value }), "step.note", `note:${note.id}`)}
          onBlur={finish}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") finish();
          }}
        />
      ) : note.text.trim() === "" ? (
        <p className="note-empty">{t("note.empty")}</p>
      ) : (
        <Markdown text={note.text} />
      )}
      {selected && <BoxResizer kind="notes" id={note.id} width={note.width} height={note.height} />}
    </div>
  );
});
