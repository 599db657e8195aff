import { useState } from "react";
import { INPUTS, OUTPUTS, boundaryNames, fixedNames, viewAt, type Scope } from "../../graph/bodies";
import { moveFace, renameFace, withoutFace } from "../../graph/nesting";
import { applyIn, useEditor } from "../../store/editor";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

interface Props {
  /** Where the node with the face stands. */
  readonly outside: Scope;
  readonly id: string;
}

/** What a sub-graph shows: its inputs and outputs by name, to rename, reorder and take away. */
export function FaceEditor({ outside, id }: Props) {
  const t = useT();
  const inner = useEditor((state) => viewAt(state.document, [...outside, id]));
  if (!inner) return null;
  const loop = inner.nodes[INPUTS]?.values.loop === true;
  const sides = loop ? (["input"] as const) : (["input", "output"] as const);
  return (
    <>
      {sides.map((side) => {
        const record = inner.nodes[side === "input" ? INPUTS : OUTPUTS];
        const fixed = fixedNames(record);
        const names = boundaryNames(record).filter((name) => !fixed.includes(name));
        return (
          <section key={side} className="face" aria-label={t(loop ? "face.carried" : `face.${side}`)}>
            <h4>{t(loop ? "face.carried" : `face.${side}`)}</h4>
            {names.length === 0 && <p className="face-none">{t(side === "input" ? "face.noInput" : "face.noOutput")}</p>}
            <ol className="face-list">
              {names.map((name, place) => (
                <FaceRow key={name} outside={outside} id={id} side={side} name={name} first={place === 0} last={place === names.length - 1} />
              ))}
            </ol>
          </section>
        );
      })}
    </>
  );
}

interface RowProps extends Props {
  readonly side: "input" | "output";
  readonly name: string;
  readonly first: boolean;
  readonly last: boolean;
}

function FaceRow({ outside, id, side, name, first, last }: RowProps) {
  const t = useT();
  const [draft, setDraft] = useState<string>();
  const inside = [...outside, id];
  const finish = (): void => {
    if (draft !== undefined) applyIn(outside, renameFace(id, side, name, draft), "step.face");
    setDraft(undefined);
  };
  return (
    <li className="face-row">
      <input
        className="face-name"
        aria-label={t("face.rename", { name })}
        value={draft ?? name}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Enter") finish();
          if (event.key === "Escape") setDraft(undefined);
        }}
      />
      <button type="button" className="icon-button" disabled={first} aria-label={t("face.up", { name })} onClick={() => applyIn(inside, moveFace(side, name, -1), "step.face")}>
        <span className="turned-up"><Icon name="chevron" size={14} /></span>
      </button>
      <button type="button" className="icon-button" disabled={last} aria-label={t("face.down", { name })} onClick={() => applyIn(inside, moveFace(side, name, 1), "step.face")}>
        <Icon name="chevron" size={14} />
      </button>
      <button type="button" className="icon-button" aria-label={t("face.remove", { name })} onClick={() => applyIn(inside, withoutFace(side, name), "step.face")}>
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}
