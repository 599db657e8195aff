import { setUi, useUi } from "../../store/ui";
import { SHORTCUTS, type Shortcut } from "../shortcuts";
import { useT } from "../useT";
import { Dialog } from "./Dialog";

const PARTS: readonly Shortcut["part"][] = ["build", "edit", "run", "view"];

function keyText(keys: string): string {
  return keys.split("+").map((part) => (part.length === 1 ? part.toUpperCase() : part.replace("Arrow", ""))).join(" + ");
}

/** All keys, at `?`. */
export function ShortcutOverview() {
  const t = useT();
  const open = useUi((state) => state.shortcuts);
  if (!open) return null;
  return (
    <Dialog title={t("top.help")} onClose={() => setUi({ shortcuts: false })}>
      <div className="shortcuts">
        {PARTS.map((part) => (
          <section key={part}>
            <h3>{t(`part.${part}`)}</h3>
            <dl>
              {SHORTCUTS.filter((shortcut) => shortcut.part === part).map((shortcut) => (
                <div key={shortcut.keys.join()}>
                  <dt>{t(shortcut.says)}</dt>
                  <dd>
                    {(shortcut.written === undefined ? shortcut.keys : [shortcut.written]).map((keys) => (
                      <kbd key={keys}>{keyText(keys)}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{t("part.mouse")}</h3>
          <ul>
            {(["mouse.search", "mouse.wire", "mouse.insert", "mouse.select", "mouse.number", "mouse.cut", "mouse.look"] as const).map((key) => (
              <li key={key}>{t(key)}</li>
            ))}
          </ul>
        </section>
      </div>
    </Dialog>
  );
}
