import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { recordAt } from "../../graph/bodies";
import { useEditor } from "../../store/editor";
import { PASSING, closeViewers, removeViewer, showViewer, useViewers } from "../../store/viewers";
import { Icon } from "../shared/Icon";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";
import { ViewerPane } from "./ViewerPane";

const LEAST = { width: 280, height: 220 };

/** The viewers, in the lower right corner: one in front, the others as tabs. Its upper left corner resizes it. */
export function ViewerTray() {
  const t = useT();
  const { slots, active, large } = useViewers();
  const document = useEditor((state) => state.document);
  const catalogue = useEditor((state) => state.catalogue);
  const [size, setSize] = useState({ width: 350, height: 470 });
  const held = useRef<{ x: number; y: number; width: number; height: number }>(undefined);
  const target = active === undefined ? undefined : slots[active];
  if (active === undefined || !target) return null;
  const nameOf = (slot: number): string => {
    const ref = slots[slot];
    const record = ref && recordAt(document, ref.node);
    const title = record ? titleOf({ record, info: catalogue.get(record.type) }) : ref?.node;
    return ref ? `${title} · ${ref.socket}` : "";
  };
  const resize = (event: PointerEvent): void => {
    const start = held.current;
    if (!start) return;
    setSize({
      width: Math.max(LEAST.width, start.width + start.x - event.clientX),
      height: Math.max(LEAST.height, start.height + start.y - event.clientY),
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    closeViewers();
    event.stopPropagation();
  };
  return (
    <section className={`viewer${large ? " viewer-large" : ""}`} style={large ? undefined : size} aria-label={t("viewer.title")} onKeyDown={onKeyDown}>
      {!large && (
        <span
          className="viewer-corner"
          aria-hidden="true"
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            held.current = { x: event.clientX, y: event.clientY, ...size };
          }}
          onPointerMove={resize}
          onPointerUp={() => (held.current = undefined)}
        />
      )}
      <header className="viewer-head">
        <div className="viewer-tabs" role="tablist" aria-label={t("viewer.title")}>
          {Object.keys(slots).map(Number).map((slot) => (
            <span key={slot} className={`viewer-tab${slot === active ? " viewer-tab-front" : ""}`}>
              <button type="button" role="tab" aria-selected={slot === active} aria-label={nameOf(slot)} title={nameOf(slot)} onClick={() => showViewer(slot)}>
                {slot === PASSING ? <Icon name="eye" size={14} /> : <kbd>{slot}</kbd>} <span>{nameOf(slot)}</span>
              </button>
              {slot !== PASSING && (
                <button type="button" className="viewer-remove" aria-label={t("viewer.remove", { number: slot })} onClick={() => removeViewer(slot)}>
                  <Icon name="close" size={12} />
                </button>
              )}
            </span>
          ))}
        </div>
        <button type="button" className="icon-button" aria-label={t("player.full")} aria-pressed={large} onClick={() => useViewers.setState({ large: !large })}>
          <Icon name="full" size={16} />
        </button>
        <button type="button" className="icon-button" aria-label={t("close")} onClick={closeViewers}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div className="viewer-body" role="tabpanel" aria-label={nameOf(active)}>
        <ViewerPane key={`${active}|${target.node}|${target.socket}`} target={target} large={large} />
      </div>
    </section>
  );
}
