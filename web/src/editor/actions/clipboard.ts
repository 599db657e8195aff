/** Copy, cut, paste and duplicate. The clipboard holds workflow text, so it works between tabs and in mails. */

import { copyFragment, pasteFragment } from "../../graph/clipboard";
import { NotAWorkflow, parseWorkflowText } from "../../graph/normalise";
import type { WorkflowDocument } from "../../graph/document";
import { toText } from "../../graph/serialise";
import { apply, selectNodes, useEditor } from "../../store/editor";
import { toast } from "../../store/ui";
import { canvasMiddle, canvasPoint } from "../canvas/projection";
import { deleteSelection } from "./selection";
import { openFile } from "./files";
import { tr } from "./tr";

let pointer: { x: number; y: number } | undefined;

/** Where the pointer is, so that pasted nodes come there. */
export function rememberPointer(at: { x: number; y: number }): void {
  pointer = at;
}

function fragment(): WorkflowDocument | undefined {
  const { view: document, selection } = useEditor.getState();
  if (selection.nodes.size + selection.notes.size === 0) return undefined;
  return copyFragment(document, selection.nodes, selection.notes);
}

function place(source: WorkflowDocument, at: { x: number; y: number }, keepOuter: boolean): void {
  let ids: readonly string[] = [];
  apply((document) => {
    const pasted = pasteFragment(document, source, at, keepOuter);
    ids = pasted.ids;
    return pasted.document;
  }, "step.paste");
  selectNodes(ids);
}

/** The browser's copy and cut: plain text that is a workflow. */
export function onCopy(event: ClipboardEvent, cut: boolean): void {
  if (isTyping(event.target)) return;
  const copied = fragment();
  if (!copied) return;
  event.clipboardData?.setData("text/plain", toText(copied));
  event.preventDefault();
  if (cut) deleteSelection();
}

let keepOuterNext = false;

/** The next paste keeps the wires that came from outside of the copied nodes. */
export function keepOuterOnce(): void {
  keepOuterNext = true;
}

/** The browser's paste: workflow text, or a file that carries a workflow. */
export function onPaste(event: ClipboardEvent): void {
  if (isTyping(event.target)) return;
  const file = event.clipboardData?.files[0];
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const keepOuter = keepOuterNext;
  keepOuterNext = false;
  if (file) {
    event.preventDefault();
    void openFile(file);
    return;
  }
  if (text.trim() === "") return;
  event.preventDefault();
  try {
    place(parseWorkflowText(text).document, pointer ? canvasPoint(pointer) : canvasMiddle(), keepOuter);
  } catch (error) {
    toast("error", error instanceof NotAWorkflow ? tr("paste.failed", { reason: error.message }) : String(error));
  }
}

/** A copy of the selected nodes beside them. Wires from outside are kept. */
export function duplicate(): void {
  const copied = fragment();
  if (!copied) return;
  const places = [...Object.values(copied.layout.nodes), ...copied.layout.notes];
  const at = { x: Math.min(...places.map((spot) => spot.x)) + 40, y: Math.min(...places.map((spot) => spot.y)) + 40 };
  place(copied, at, true);
}

/** Whether a key or paste belongs to a text field. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
