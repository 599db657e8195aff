import { useMemo, useState, type KeyboardEvent } from "react";
import { connect } from "../../graph/commands";
import { ANY_TYPE, fit } from "../../graph/compatibility";
import { rectOf, type Placed } from "../../graph/place";
import type { SocketRef } from "../../graph/document";
import type { TypeInfo } from "../../api/protocol";
import { useCanvas } from "../../store/canvas";
import { apply, useEditor } from "../../store/editor";
import { announce, setUi, useUi } from "../../store/ui";
import { SocketShape } from "../shared/SocketShape";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";
import { socketsOn, verdict } from "./targets";

interface Choice extends SocketRef {
  readonly side: "input" | "output";
  readonly type: TypeInfo;
  readonly title: string;
  readonly wired: boolean;
}

/** Wiring by keyboard: first a socket of the node, then what it goes to, nearest first. */
export function WireDialog() {
  const node = useUi((state) => state.wiringFrom);
  return node === undefined ? null : <OpenWireDialog key={node} node={node} />;
}

function own(placed: Placed): Choice[] {
  const title = titleOf(placed);
  const outputs = placed.sockets.outputs.map((output): Choice => ({
    node: placed.id,
    socket: output.name,
    side: "output",
    type: output.type ?? ANY_TYPE,
    title,
    wired: placed.read.has(output.name),
  }));
  const inputs = placed.geometry.inputs.map(({ socket }): Choice => ({
    node: placed.id,
    socket: socket.name,
    side: "input",
    type: socket.type,
    title,
    wired: placed.wired.has(socket.name),
  }));
  return [...outputs, ...inputs];
}

function OpenWireDialog({ node }: { readonly node: string }) {
  const t = useT();
  const placed = useCanvas((state) => state.placed);
  const workflow = useEditor((state) => state.view);
  const [start, setStart] = useState<Choice>();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const [before] = useState(() => document.activeElement);

  const choices = useMemo((): Choice[] => {
    const here = placed.get(node);
    if (!here) return [];
    if (!start) return own(here);
    const other = start.side === "output" ? "input" : "output";
    const wire = { side: other, end: start, type: start.type } as const;
    const centre = rectOf(here);
    return socketsOn(other, placed)
      .filter((target) => (start.side === "output" ? fit(start.type, target.type) : fit(target.type, start.type)))
      .filter((target) => verdict(wire, target, workflow, t).ok)
      .sort((left, right) => {
        const distance = (at: { x: number; y: number }): number => Math.hypot(at.x - centre.x, at.y - centre.y);
        return distance(left.point) - distance(right.point);
      })
      .flatMap((target) => {
        const owner = placed.get(target.node);
        if (!owner) return [];
        const wired = other === "input" ? owner.wired.has(target.socket) : owner.read.has(target.socket);
        return [{ node: target.node, socket: target.socket, side: other, type: target.type, title: titleOf(owner), wired }];
      });
  }, [placed, node, start, workflow, t]);
  const shown = choices.filter((choice) => `${choice.title} ${choice.node} ${choice.socket} ${choice.type.name}`.toLowerCase().includes(query.toLowerCase()));

  const close = (): void => {
    setUi({ wiringFrom: undefined });
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const choose = (choice: Choice | undefined): void => {
    if (!choice) return;
    if (!start) {
      setStart(choice);
      setQuery("");
      setActive(0);
      return;
    }
    const [from, to] = start.side === "output" ? [start, choice] : [choice, start];
    apply(connect({ node: from.node, socket: from.socket }, { node: to.node, socket: to.socket }), "step.connect");
    announce(t("said.connected", { from: `${from.title} ${from.socket}`, to: `${to.title} ${to.socket}` }));
    close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "ArrowDown") setActive(Math.min(shown.length - 1, active + 1));
    else if (event.key === "ArrowUp") setActive(Math.max(0, active - 1));
    else if (event.key === "Enter") choose(shown[active]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className="shade" onPointerDown={close} />
      <div className="palette palette-middle" role="dialog" aria-label={t("wiring.title")}>
        <div className="palette-search">
          <input
            key={start ? "to" : "from"}
            autoFocus
            role="combobox"
            aria-expanded="true"
            aria-controls="wiring-list"
            aria-activedescendant={shown[active] ? `wiring-${active}` : undefined}
            aria-label={start ? t("wiring.to", { socket: start.socket }) : t("wiring.from")}
            placeholder={start ? t("wiring.to", { socket: start.socket }) : t("wiring.from")}
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <ul className="palette-list" id="wiring-list" role="listbox" aria-label={t("wiring.title")}>
          {shown.map((choice, place) => (
            <li
              key={`${choice.node}.${choice.side}.${choice.socket}`}
              id={`wiring-${place}`}
              role="option"
              aria-selected={place === active}
              onPointerMove={() => setActive(place)}
              onClick={() => choose(choice)}
            >
              <span className="palette-name">
                <SocketShape type={choice.type} filled={choice.wired} /> {start ? `${choice.title} · ${choice.socket}` : choice.socket}
                <small>{t(choice.side === "input" ? "wiring.input" : "wiring.output")}</small>
              </span>
              <span className="palette-category">{choice.type.name}</span>
            </li>
          ))}
          {shown.length === 0 && <li className="palette-none">{t("wiring.none")}</li>}
        </ul>
      </div>
    </>
  );
}
