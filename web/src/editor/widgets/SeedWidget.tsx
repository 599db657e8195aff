import { findPath, viewAt } from "../../graph/bodies";
import { modesOf, setSeedMode, type SeedMode } from "../../graph/seeds";
import type { InputInfo } from "../../api/protocol";
import type { SocketRef } from "../../graph/document";
import { valueOf } from "../../graph/sockets";
import { applyIn, useEditor } from "../../store/editor";
import { useRun } from "../../store/run";
import { Icon, type IconName } from "../shared/Icon";
import { useT } from "../useT";
import { rollSeed } from "../actions/seeds";
import { NumberWidget } from "./NumberWidget";
import type { WidgetProps } from "./types";

const NEXT: Readonly<Record<SeedMode, SeedMode>> = { fixed: "random", random: "increment", increment: "fixed" };
const ICONS: Readonly<Record<SeedMode, IconName>> = { fixed: "lock", random: "dice", increment: "plus" };

/** The seed of the run that the nodes show. */
function useMade({ node, socket }: SocketRef, info: InputInfo | undefined): number | undefined {
  return useRun(({ sent, shown }) => {
    const document = sent.find(({ job }) => job === shown)?.document;
    const found = document && findPath(document, node);
    const record = found && viewAt(document, found.scope)?.nodes[found.id];
    const seed = record && valueOf(record, info, socket);
    return typeof seed === "number" ? seed : undefined;
  });
}

/**
 * A seed. What is shown is what the last run was made with: a random or counted seed is chosen when Run is pressed,
 * before the job is sent, and stays. Where it was changed since, or the run that is shown is an earlier one of several,
 * that one's seed stands beside it.
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
  const made = useMade(home, socket.info);
  const other = made !== undefined && made !== props.value;
  const next = (): void => {
    const found = findPath(useEditor.getState().document, home.node);
    if (found) applyIn(found.scope, setSeedMode(found.id, home.socket, NEXT[mode]), "step.value");
  };
  return (
    <div className="seed">
      <NumberWidget {...props} />
      {other && (
        <button type="button" className="seed-made" title={t("seed.made", { seed: made })} aria-label={t("seed.made", { seed: made })} onClick={() => props.onChange(made)}>
          <Icon name="play" size={11} /> {made}
        </button>
      )}
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
