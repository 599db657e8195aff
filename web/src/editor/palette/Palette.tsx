import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { searchTypes, type Found } from "../../graph/search";
import { loadBlocks, useBlocks } from "../../store/blocks";
import { useEditor } from "../../store/editor";
import { setUi, useUi } from "../../store/ui";
import { focusNodeElement } from "../actions/focus";
import { placeNode } from "../actions/add";
import { SocketShape } from "../shared/SocketShape";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

const MOST = 60;
const WIDTH = 400;
const HEIGHT = 420;

/** The search: type, choose with arrows, Enter places the node (and connects the wire in the hand). */
export function Palette() {
  const request = useUi((state) => state.palette);
  const key = request ? `${request.screen.x},${request.screen.y}` : "";
  return request ? <OpenPalette key={key} /> : null;
}

function OpenPalette() {
  const t = useT();
  const request = useUi((state) => state.palette);
  const types = useEditor((state) => state.types);
  const blocks = useBlocks((state) => state.blocks);
  const known = useMemo(() => [...types, ...blocks.map((block) => block.info)], [types, blocks]);
  useEffect(() => {
    loadBlocks().catch(() => undefined); // without the server the blocks known before are offered
  }, []);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const [before] = useState(() => document.activeElement);
  const found = useMemo(() => searchTypes(known, query, request?.wire).slice(0, MOST), [known, query, request]);

  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const close = (): void => {
    setUi({ palette: undefined });
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const choose = (entry: Found | undefined): void => {
    if (!entry || !request) return;
    const id = placeNode(entry, request.at, request.wire);
    setUi({ palette: undefined });
    focusNodeElement(id);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "ArrowDown") setActive(Math.min(found.length - 1, active + 1));
    else if (event.key === "ArrowUp") setActive(Math.max(0, active - 1));
    else if (event.key === "Enter") choose(found[active]);
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  };
  const screen = request?.screen ?? { x: 0, y: 0 };
  const left = Math.max(8, Math.min(screen.x, window.innerWidth - WIDTH - 8));
  const top = Math.max(8, Math.min(screen.y, window.innerHeight - HEIGHT - 8));
  return (
    <>
      <div className="shade shade-clear" onPointerDown={close} />
      <div className="palette" role="dialog" aria-label={t("palette.title")} style={{ left, top }}>
        <div className="palette-search">
          <Icon name="search" />
          <input
            autoFocus
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={found[active] ? `palette-${active}` : undefined}
            aria-label={t("palette.title")}
            placeholder={t("palette.placeholder")}
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
          />
          {request?.wire && (
            <span className="palette-wire">
              <SocketShape type={request.wire.type} filled />
              {request.wire.type.name}
            </span>
          )}
        </div>
        <ul className="palette-list" id="palette-list" role="listbox" aria-label={t("palette.results")} ref={list}>
          {found.map((entry, place) => (
            <li
              key={entry.info.id}
              id={`palette-${place}`}
              role="option"
              aria-selected={place === active}
              onPointerMove={() => setActive(place)}
              onClick={() => choose(entry)}
            >
              <span className="palette-name">
                {entry.info.title}
                {entry.socket !== undefined && <small>{entry.socket.replace(/^(inputs|state)\./, "")}</small>}
              </span>
              <span className="palette-summary">{entry.info.summary}</span>
              <span className="palette-category">{entry.info.category}</span>
            </li>
          ))}
          {found.length === 0 && <li className="palette-none">{types.length === 0 ? t("palette.noTypes") : t("palette.none")}</li>}
        </ul>
      </div>
    </>
  );
}
