/** Every keyboard command, in one table: the handler reads it and the overview shows it. */

import { redoStep, undoStep, useEditor } from "../store/editor";
import { setUi, togglePanel, useUi } from "../store/ui";
import type { MessageKey } from "../i18n";
import { currentNode } from "./actions/add";
import { digit, lookAtNode } from "./actions/look";
import { focusNodeElement } from "./actions/focus";
import { alignSelected, arrange, groupSelected } from "./actions/arrange";
import { saveNow } from "./actions/autosave";
import { duplicate, keepOuterOnce } from "./actions/clipboard";
import { enterNode, hasInside, leave, nestSelected, unpackSelected } from "./actions/nesting";
import { cancelShown, run } from "./actions/run";
import {
  deleteSelection,
  selectedPaths,
  dissolveSelection,
  placeNote,
  selectAll,
  toggleSelectedCollapsed,
  toggleSelectedMode,
  walk,
} from "./actions/selection";
import { tr } from "./actions/tr";
import { canvasMiddle, fitChosen, openPaletteAt, showRect } from "./canvas/projection";
import { useCanvas } from "../store/canvas";
import { rectOf } from "../graph/place";

export interface Shortcut {
  readonly keys: readonly string[];
  readonly says: MessageKey;
  readonly part: "edit" | "build" | "run" | "view";
  /** Handled by the browser's own copy and paste; only shown. */
  readonly shownOnly?: boolean;
  /** How the overview writes the keys, where there are many. */
  readonly written?: string;
  readonly run: (key: string) => void;
}

const nothing = (): void => undefined;

function openSearch(): void {
  openPaletteAt({ x: window.innerWidth / 2 - 200, y: Math.max(80, window.innerHeight / 2 - 240) });
}

function focusNode(id: string | undefined): void {
  if (id === undefined) return;
  const placed = useCanvas.getState().placed.get(id);
  const element = (): HTMLElement | null => document.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
  const box = element()?.getBoundingClientRect();
  const seen = box && box.left >= 0 && box.top >= 48 && box.right <= window.innerWidth && box.bottom <= window.innerHeight;
  if (placed && !seen) showRect(rectOf(placed));
  focusNodeElement(id);
}

function walkFrom(direction: Parameters<typeof walk>[0]): void {
  const from = currentNode() ?? Object.keys(useEditor.getState().view.nodes)[0];
  if (from !== undefined) focusNode(walk(direction, from) ?? from);
}

function renameNode(): void {
  const id = currentNode();
  const title = id === undefined ? null : document.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"] .node-title`);
  title?.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
}

/** Into the sub-graph or the note that is focused; into the fields of any other node. */
function enterOrFields(): void {
  const [, note] = /^note:(.*)$/s.exec(document.activeElement?.getAttribute("data-id") ?? "") ?? [];
  if (note !== undefined) {
    setUi({ writing: note });
    return;
  }
  const id = currentNode();
  if (hasInside(id)) enterNode(id);
  else fieldsOfNode();
}

function fieldsOfNode(): void {
  const focused = document.activeElement?.closest(".react-flow__node");
  focused?.querySelector<HTMLElement>('.field[tabindex="0"], .field input, .field textarea, .field select, button.field')?.focus();
}

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ["Tab", "/"], says: "key.search", part: "build", run: openSearch },
  { keys: ["w"], says: "key.wire", part: "build", run: () => setUi({ wiringFrom: currentNode() }) },
  { keys: ["Enter"], says: "key.fieldsOrInside", part: "build", run: enterOrFields },
  { keys: ["Shift+Enter"], says: "key.fields", part: "build", run: fieldsOfNode },
  { keys: ["Ctrl+Shift+g"], says: "menu.nest", part: "build", run: () => nestSelected() },
  { keys: ["Ctrl+ArrowDown"], says: "subgraph.enter", part: "build", run: () => enterNode() },
  { keys: ["Ctrl+ArrowUp"], says: "subgraph.leave", part: "build", run: leave },
  { keys: ["u"], says: "menu.unpack", part: "build", run: unpackSelected },
  { keys: ["Alt+ArrowLeft"], says: "key.walkBefore", part: "build", run: () => walkFrom("before") },
  { keys: ["Alt+ArrowRight"], says: "key.walkAfter", part: "build", run: () => walkFrom("after") },
  { keys: ["Alt+ArrowUp"], says: "key.walkUp", part: "build", run: () => walkFrom("up") },
  { keys: ["Alt+ArrowDown"], says: "key.walkDown", part: "build", run: () => walkFrom("down") },
  { keys: ["F2"], says: "key.rename", part: "build", run: renameNode },
  { keys: ["b"], says: "menu.bypass", part: "build", run: () => toggleSelectedMode("bypass") },
  { keys: ["m"], says: "menu.mute", part: "build", run: () => toggleSelectedMode("mute") },
  { keys: ["c"], says: "menu.collapse", part: "build", run: toggleSelectedCollapsed },
  { keys: ["n"], says: "menu.note", part: "build", run: () => placeNote(canvasMiddle()) },
  { keys: ["Ctrl+g"], says: "menu.group", part: "build", run: () => groupSelected(tr("group.untitled")) },
  { keys: ["Ctrl+z"], says: "top.undo", part: "edit", run: undoStep },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], says: "top.redo", part: "edit", run: redoStep },
  { keys: ["Ctrl+c"], says: "key.copy", part: "edit", shownOnly: true, run: nothing },
  { keys: ["Ctrl+x"], says: "key.cut", part: "edit", shownOnly: true, run: nothing },
  { keys: ["Ctrl+v"], says: "key.paste", part: "edit", shownOnly: true, run: nothing },
  { keys: ["Ctrl+Shift+v"], says: "key.pasteWired", part: "edit", shownOnly: true, run: keepOuterOnce },
  { keys: ["Ctrl+d"], says: "menu.duplicate", part: "edit", run: duplicate },
  { keys: ["Ctrl+a"], says: "menu.selectAll", part: "edit", run: selectAll },
  { keys: ["Delete", "Backspace"], says: "menu.delete", part: "edit", run: deleteSelection },
  { keys: ["Ctrl+Delete", "Ctrl+Backspace"], says: "menu.dissolve", part: "edit", run: dissolveSelection },
  { keys: ["Ctrl+s"], says: "file.save", part: "edit", run: () => void saveNow() },
  { keys: ["Ctrl+Shift+s"], says: "file.saveAs", part: "edit", run: () => setUi({ files: "save" }) },
  { keys: ["Ctrl+o"], says: "file.openSaved", part: "edit", run: () => setUi({ files: "open" }) },
  { keys: ["Ctrl+Enter"], says: "run.run", part: "run", run: () => void run() },
  { keys: ["Ctrl+Shift+Enter"], says: "run.selected", part: "run", run: () => runSelected() },
  { keys: ["Ctrl+."], says: "run.cancel", part: "run", run: cancelShown },
  { keys: ["f"], says: "zoom.fit", part: "view", run: fitChosen },
  { keys: ["l"], says: "zoom.arrange", part: "view", run: arrange },
  { keys: ["Shift+ArrowLeft"], says: "key.alignLeft", part: "view", run: () => alignSelected("left") },
  { keys: ["Shift+ArrowUp"], says: "key.alignTop", part: "view", run: () => alignSelected("top") },
  { keys: ["Shift+ArrowRight"], says: "key.alignRow", part: "view", run: () => alignSelected("row") },
  { keys: ["Shift+ArrowDown"], says: "key.alignColumn", part: "view", run: () => alignSelected("column") },
  { keys: DIGITS, written: "1 – 9", says: "key.viewer", part: "view", run: (key) => digit(Number(key)) },
  { keys: ["e"], says: "menu.look", part: "view", run: () => lookAtNode() },
  { keys: ["q"], says: "panel.jobs", part: "view", run: () => togglePanel("jobs") },
  { keys: ["g"], says: "panel.gallery", part: "view", run: () => togglePanel("gallery") },
  { keys: ["v"], says: "panel.form", part: "view", run: () => togglePanel("form") },
  { keys: ["h"], says: "panel.history", part: "view", run: () => togglePanel("history") },
  { keys: ["i"], says: "panel.node", part: "view", run: () => togglePanel("node") },
  { keys: ["?"], says: "top.help", part: "view", run: () => setUi({ shortcuts: true }) },
];

function runSelected(): void {
  const ids = selectedPaths();
  if (ids.length > 0) void run(ids);
}

/** The name of a pressed key as the table writes it. */
export function pressed(event: KeyboardEvent): string {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  const letter = event.key.length === 1;
  if (event.shiftKey && (!letter || event.ctrlKey || event.metaKey)) parts.push("Shift");
  parts.push(letter ? event.key.toLowerCase() : event.key);
  return parts.join("+");
}

const TYPING = new Set(["Ctrl+Enter", "Ctrl+Shift+Enter", "Ctrl+s", "Ctrl+Shift+s", "Ctrl+."]);

/** Answer a key press. In a text field only Run and Save are answered; in a dialog nothing. */
export function onShortcut(event: KeyboardEvent, typing: boolean): void {
  const ui = useUi.getState();
  if (ui.palette || ui.menu || ui.shortcuts || ui.wiringFrom !== undefined || ui.player || ui.files || ui.compare || ui.diff || ui.fork) return;
  const name = pressed(event);
  if (typing && !TYPING.has(name)) return;
  const target = event.target instanceof Element ? event.target : null;
  const onCanvas = target === document.body || target?.closest(".canvas") !== null;
  if (!onCanvas && (name === "Tab" || name === "Enter" || name === "Shift+Enter" || name.includes("Arrow") || name === "Delete" || name === "Backspace")) return;
  if (name === "Tab" && target !== document.body && !target?.classList.contains("react-flow__node")) return;
  if ((name === "Enter" || name === "Shift+Enter") && !target?.classList.contains("react-flow__node")) return;
  const found = SHORTCUTS.find((shortcut) => shortcut.keys.includes(name));
  if (!found) return;
  if (!found.shownOnly) event.preventDefault();
  found.run(name);
}
