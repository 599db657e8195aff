import { setSeedMode, type SeedMode } from "../../graph/seeds";
import { apply, useEditor } from "../../store/editor";
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
  const { node, socket } = props;
  const mode = useEditor((state) => {
    const seeds = state.document.layout.nodes[node]?.extra?.seeds;
    const kept = typeof seeds === "object" && seeds !== null && !Array.isArray(seeds) ? seeds[socket.name] : undefined;
    return kept === "random" || kept === "increment" ? kept : "fixed";
  });
  return (
    <div className="seed">
      <NumberWidget {...props} />
      <button
        type="button"
        className="seed-button"
        title={t(`seed.${mode}`)}
        aria-label={t("seed.mode", { mode: t(`seed.${mode}`) })}
        onClick={() => apply(setSeedMode(node, socket.name, NEXT[mode]), "step.value")}
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
