import { useState } from "react";
import { usePluginTroubles } from "../../store/pluginTroubles";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { Dialog } from "./Dialog";

/** A mark in the bar when plugins did not load; pressing it tells which and why, with the traceback on demand. */
export function PluginTroubles() {
  const t = useT();
  const troubles = usePluginTroubles((state) => state.troubles);
  const [open, setOpen] = useState(false);
  if (troubles.length === 0) return null;
  const label = t("plugins.troubles", { count: troubles.length });
  return (
    <>
      <button type="button" className="icon-button icon-text plugin-mark" aria-label={label} title={label} onClick={() => setOpen(true)}>
        <Icon name="warning" size={16} /> {troubles.length}
      </button>
      {open && (
        <Dialog title={t("plugins.title")} onClose={() => setOpen(false)}>
          <p className="plugin-rest">{t("plugins.rest")}</p>
          <ul className="plugin-list">
            {troubles.map(({ plugin, message, details }, place) => (
              <li key={place}>
                <h3>{plugin}</h3>
                <p>{message}</p>
                {details !== "" && (
                  <details>
                    <summary>{t("plugins.details")}</summary>
                    <pre tabIndex={0}>{details}</pre>
                  </details>
                )}
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </>
  );
}
