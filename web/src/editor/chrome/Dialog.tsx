import { useEffect, useRef, type ReactNode } from "react";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
}

/** A dialog over everything, by the browser's own element: it holds the focus and gives it back. */
export function Dialog({ title, onClose, children, wide = false }: Props) {
  const t = useT();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus(); // else the browser takes the first button
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className={`dialog${wide ? " dialog-wide" : ""}`}
      aria-label={title}
      onCancel={onClose}
      onKeyDown={(event) => event.stopPropagation()}
      onPointerDown={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <header className="dialog-head">
        <h2>{title}</h2>
        <button type="button" className="icon-button" aria-label={t("close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="dialog-body" tabIndex={0} role="group" aria-label={title}>
        {children}
      </div>
    </dialog>
  );
}
