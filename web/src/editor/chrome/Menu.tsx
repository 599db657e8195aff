import { useEffect, useRef, type KeyboardEvent } from "react";

export interface MenuItem {
  readonly label: string;
  readonly keys?: string;
  readonly disabled?: boolean;
  readonly separated?: boolean;
  /** A colour that the entry stands for. */
  readonly swatch?: string;
  readonly run: () => void;
}

interface Props {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly onClose: () => void;
  readonly at?: { readonly x: number; readonly y: number };
}

/** A list of commands: arrows walk, Enter does, Escape leaves. */
export function Menu({ label, items, onClose, at }: Props) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    list.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("button:not(:disabled)") ?? [])];
    const place = buttons.indexOf(document.activeElement as HTMLElement);
    if (event.key === "ArrowDown") buttons[(place + 1) % buttons.length]?.focus();
    else if (event.key === "ArrowUp") buttons[(place - 1 + buttons.length) % buttons.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") onClose();
    else return;
    event.preventDefault();
  };
  const height = items.length * 34 + 16;
  const style = at ? { left: Math.min(at.x, window.innerWidth - 280), top: Math.max(8, Math.min(at.y, window.innerHeight - height)) } : undefined;
  return (
    <>
      <div className="shade shade-clear" onPointerDown={onClose} onContextMenu={(event) => event.preventDefault()} />
      <div className={`menu${at ? " menu-at" : ""}`} role="menu" aria-label={label} ref={list} style={style} onKeyDown={onKeyDown}>
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            className={item.separated ? "menu-separated" : ""}
            disabled={item.disabled}
            onClick={() => {
              onClose();
              item.run();
            }}
          >
            <span>
              {item.swatch !== undefined && <i className="swatch" style={{ background: item.swatch }} />}
              {item.label}
            </span>
            {item.keys && <kbd>{item.keys}</kbd>}
          </button>
        ))}
      </div>
    </>
  );
}
