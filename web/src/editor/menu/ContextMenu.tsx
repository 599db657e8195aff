import type { Alignment } from "../../graph/arrange";
import type { MessageKey } from "../../i18n";
import { disconnect } from "../../graph/commands";
import { changeBox, removeBoxes } from "../../graph/boxes";
import { edgeId } from "../../graph/document";
import { isForkable } from "../../graph/fork";
import { apply, useEditor } from "../../store/editor";
import { isEnded } from "../../store/events";
import { useRun } from "../../store/run";
import { setUi, useUi, type MenuRequest } from "../../store/ui";
import { alignSelected, groupSelected } from "../actions/arrange";
import { SUBGRAPH, pathOf } from "../../graph/bodies";
import { enterNode, hasInside, keepAsBlock, nestSelected, unpackSelected } from "../actions/nesting";
import { bendWire } from "../actions/add";
import { duplicate } from "../actions/clipboard";
import { lookAtNode, lookAtSeen } from "../actions/look";
import { run } from "../actions/run";
import {
  deleteSelection,
  dissolveSelection,
  colorSelected,
  placeNote,
  selectedPaths,
  selectAll,
  toggleSelectedCollapsed,
  toggleSelectedMode,
} from "../actions/selection";
import { arrange } from "../actions/arrange";
import { Menu, type MenuItem } from "../chrome/Menu";
import { NODE_COLORS } from "../shared/colors";
import { useT, type Translate } from "../useT";

/** What the right mouse button offers, on a node, a wire, a group or the canvas. */
export function ContextMenu() {
  const t = useT();
  const request = useUi((state) => state.menu);
  const selected = useEditor((state) => state.selection.nodes.size);
  if (!request) return null;
  const { node, edge, group, note } = request;
  const items =
    request.sub === "align" ? alignItems(t) :
    request.sub === "color" ? colorItems(t, request) :
    node !== undefined
      ? nodeItems(t, node, selected, request)
      : edge !== undefined
        ? edgeItems(t, edge, request.at)
        : group !== undefined
          ? boxItems(t, "groups", group, request)
          : note !== undefined
            ? boxItems(t, "notes", note, request)
            : paneItems(t, request.screen, request.at);
  return <Menu key={request.sub ?? "first"} label={t("menu.label")} items={items} at={request.screen} onClose={() => setUi({ menu: undefined })} />;
}

function edgeItems(t: Translate, edge: string, at: MenuRequest["at"]): MenuItem[] {
  const wire = useEditor.getState().view.edges.find((candidate) => edgeId(candidate) === edge);
  return [
    { label: t("menu.look"), disabled: !wire, run: () => wire && lookAtSeen(wire.from) },
    { label: t("menu.reroute"), disabled: !wire, run: () => wire && bendWire(wire, at) },
    { label: t("menu.cut"), run: () => apply(disconnect(new Set([edge])), "step.disconnect") },
  ];
}

function nodeItems(t: Translate, node: string, selected: number, request: MenuRequest): MenuItem[] {
  return [
    { label: t("run.toHere"), run: () => void run(selectedPaths()) },
    { label: t("menu.look"), keys: "E", run: () => lookAtNode(node) },
    ...forkItem(t, node),
    { label: t("menu.details"), keys: "I", run: () => setUi({ panel: "node" }) },
    { label: t("menu.wire"), keys: "W", run: () => setUi({ wiringFrom: node }) },
    { label: t("menu.duplicate"), keys: "Ctrl+D", run: duplicate, separated: true },
    { label: t("menu.bypass"), keys: "B", run: () => toggleSelectedMode("bypass") },
    { label: t("menu.mute"), keys: "M", run: () => toggleSelectedMode("mute") },
    { label: t("menu.collapse"), keys: "C", run: toggleSelectedCollapsed },
    { label: t("menu.group"), keys: "Ctrl+G", run: () => groupSelected(t("group.untitled")) },
    { label: t("menu.nest"), keys: "Ctrl+Shift+G", run: () => nestSelected() },
    { label: t("menu.loop"), run: () => nestSelected("ForLoop") },
    ...(hasInside(node)
      ? [
          { label: t("subgraph.enter"), keys: "Enter", run: () => enterNode(node), separated: true },
          ...(useEditor.getState().view.nodes[node]?.type === SUBGRAPH ? [{ label: t("menu.unpack"), keys: "U", run: unpackSelected }] : []),
          { label: t("menu.keepBlock"), run: () => void keepAsBlock() },
        ]
      : []),
    { label: `${t("menu.color")} …`, run: () => setUi({ menu: { ...request, sub: "color" } }) },
    { label: t("menu.align"), disabled: selected < 2, run: () => setUi({ menu: { ...request, sub: "align" } }) },
    { label: t("menu.dissolve"), keys: "Ctrl+Delete", disabled: selected !== 1, run: dissolveSelection, separated: true },
    { label: t("menu.delete"), keys: "Delete", run: deleteSelection },
  ];
}

/** A sampler of the run that is shown can be gone on with from any of its steps. */
function forkItem(t: Translate, node: string): MenuItem[] {
  const { view, scope, catalogue } = useEditor.getState();
  const { shown, jobs } = useRun.getState();
  const job = shown === undefined ? undefined : jobs[shown];
  if (!job || !isEnded(job.state) || !isForkable(view.nodes[node]?.type ?? "", catalogue)) return [];
  return [{ label: t("menu.fork"), run: () => setUi({ fork: { job: job.id, node: pathOf(scope, node) } }) }];
}

const ALIGNMENTS: readonly (readonly [Alignment, MessageKey, string?])[] = [
  ["left", "key.alignLeft", "Shift+←"],
  ["right", "align.right"],
  ["top", "key.alignTop", "Shift+↑"],
  ["bottom", "align.bottom"],
  ["column", "key.alignColumn", "Shift+↓"],
  ["row", "key.alignRow", "Shift+→"],
  ["spreadX", "align.spreadX"],
  ["spreadY", "align.spreadY"],
];

function alignItems(t: Translate): MenuItem[] {
  return ALIGNMENTS.map(([how, says, keys]) => ({ label: t(says), ...(keys ? { keys } : {}), run: () => alignSelected(how) }));
}

/** Colours for the selected nodes, or for the group or note that was pressed. */
function colorItems(t: Translate, request: MenuRequest): MenuItem[] {
  const paint = (color: string | undefined): void => {
    const { group, note } = request;
    if (group !== undefined) apply(changeBox("groups", group, { color }), "step.color");
    else if (note !== undefined) apply(changeBox("notes", note, { color }), "step.color");
    else colorSelected(color);
  };
  return [
    { label: t("color.none"), run: () => paint(undefined) },
    ...NODE_COLORS.map((color, place) => ({ label: t("color.use", { number: place + 1 }), swatch: color, run: () => paint(color) })),
  ];
}

function boxItems(t: Translate, kind: "groups" | "notes", id: string, request: MenuRequest): MenuItem[] {
  return [
    { label: `${t("menu.color")} …`, run: () => setUi({ menu: { ...request, sub: "color" } }) },
    { label: t("menu.delete"), keys: "Delete", run: () => apply(removeBoxes(kind, new Set([id])), "step.delete") },
  ];
}

function paneItems(t: Translate, screen: { x: number; y: number }, at: { x: number; y: number }): MenuItem[] {
  return [
    { label: t("menu.add"), keys: "Tab", run: () => setUi({ palette: { screen, at } }) },
    { label: t("menu.note"), keys: "N", run: () => placeNote(at) },
    { label: t("menu.selectAll"), keys: "Ctrl+A", run: selectAll, separated: true },
    { label: t("zoom.arrange"), keys: "L", run: arrange },
  ];
}
