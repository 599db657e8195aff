import { findPath, viewAt } from "../../graph/bodies";
import { modesOf, setSeedMode, type SeedMode } from "../../graph/seeds";
import { applyIn, useEditor } from "../../store/editor";
import { Icon, type IconName } from "../shared/Icon";
import { useT } from "../useT";
import { rollSeed } from "../actions/seeds";
import { NumberWidget } from "./NumberWidget";
import type { WidgetProps } from "./types";

const NEXT: Readonly<Record<SeedMode, SeedMode>> = { fixed: "random", random: "increment", increment: "fixed" };
const ICONS: Readonly<Record<SeedMode, IconName>> = { fixed: "lock", random: "dice", increment: "plus" };

/**
 * A seed. What is shown is always what the last result was made with: a random or counted seed is chosen when Run is
 * pressed, before the job is sent, and stays.
 */
export function SeedWidget(props: WidgetProps) {
  const t = useT();
  const { home, socket } = props;
  const mode = useEditor(({ document }) => {
    const found = findPath(document, home.node);
    const view = found && viewAt(document, found.scope);
    const kept = found && view ? modesOf(view, found.id)[home.socket] : undefined;
    return kept === "random" || kept === "increment" ? kept : "fixed";
  });
  const next = (): void => {
    const found = findPath(useEditor.getState().document, home.node);
    if (found) applyIn(found.scope, setSeedMode(found.id, home.socket, NEXT[mode]), "step.value");
  };
  return (
    <div className="seed">
      <NumberWidget {...props} />
      <button
        type="button"
        className="seed-button"
        title={t(`seed.${mode}`)}
        aria-label={t("seed.mode", { mode: t(`seed.${mode}`) })}
        onClick={next}
      >
        <Icon name={ICONS[mode]} size={14} />
      </button>
      <button
        type="button"
        className="seed-button"
        title={t("seed.roll")}
        aria-label={t("seed.roll")}
        onClick={() => props.onChange(rollSeed(socket.info?.limits?.le ?? undefined))}
      >
        <Icon name="loop" size={14} />
      </button>
    </div>
  );
}
