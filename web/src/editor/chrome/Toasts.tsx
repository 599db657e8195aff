import { dismissToast, useUi } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

/** Short messages, and the voice for screen readers. */
export function Toasts() {
  const t = useT();
  const toasts = useUi((state) => state.toasts);
  const announcement = useUi((state) => state.announcement);
  return (
    <>
      <div className="toasts">
        {toasts.map((entry) => (
          <div key={entry.id} className={`toast toast-${entry.kind}`}>
            <span>{entry.text}</span>
            {entry.action && (
              <button type="button" className="link-button" onClick={entry.action.run}>
                {entry.action.label}
              </button>
            )}
            <button type="button" className="icon-button" aria-label={t("close")} onClick={() => dismissToast(entry.id)}>
              <Icon name="close" size={14} />
            </button>
          </div>
        ))}
      </div>
      <div className="for-ears" role="status" aria-live="polite">
        {announcement}
      </div>
    </>
  );
}
