/** Opening, saving and exporting. */

import { getWorkflow, upload } from "../../api/client";
import { NotAWorkflow, normalise, parseWorkflowText } from "../../graph/normalise";
import { readEmbedded } from "../../graph/embedded";
import { toText } from "../../graph/serialise";
import { openDocument, useEditor } from "../../store/editor";
import { asGiven } from "../../store/plan";
import { toast } from "../../store/ui";
import { beginOther } from "./autosave";
import { tr } from "./tr";
import { EMPTY_DOCUMENT } from "../../graph/document";

/** Open a file that a person chose or dropped: a workflow, or media that carries one. */
export async function openFile(file: File): Promise<void> {
  try {
    const isText = file.type === "application/json" || /\.json$/i.test(file.name);
    const text = isText ? await file.text() : readEmbedded(new Uint8Array(await file.arrayBuffer()));
    if (text === undefined) throw new NotAWorkflow(tr("open.nothing"));
    const { document, repairs } = parseWorkflowText(text);
    beginOther();
    openDocument(document);
    toast("info", repairs.length > 0 ? tr("open.repaired", { what: repairs.join(" ") }) : tr("open.done", { name: file.name }));
  } catch (error) {
    toast("error", tr("open.failed", { name: file.name, reason: error instanceof Error ? error.message : String(error) }));
  }
}

/** Open a workflow that the server keeps. */
export async function openSaved(name: string, version: number): Promise<void> {
  const { document } = normalise(await getWorkflow(name));
  beginOther({ name, version, document });
  openDocument(document);
}

/** Open pasted or linked text. */
export function openText(source: string): void {
  const { document } = parseWorkflowText(source);
  beginOther();
  openDocument(document);
}

/** Let the person choose a file to open. */
export function chooseFile(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".json,.png,.mp4,.webm,.webp,application/json,image/png,video/mp4,video/webm";
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) void openFile(file);
  };
  input.click();
}

/** Give the workflow as a file. */
export async function exportFile(): Promise<void> {
  const workflow = await asGiven(useEditor.getState().document);
  const title = typeof workflow.meta.title === "string" && workflow.meta.title ? workflow.meta.title : "workflow";
  const url = URL.createObjectURL(new Blob([toText(workflow)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${title.replace(/[^\p{L}\p{N} _-]+/gu, "_")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Copy a link that carries the whole workflow in its fragment (it never reaches a server log). */
export async function copyLink(): Promise<void> {
  const text = toText(await asGiven(useEditor.getState().document));
  const bytes = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const packed = new Uint8Array(await new Response(bytes).arrayBuffer());
  const encoded = btoa(String.fromCharCode(...packed)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const url = new URL(location.href);
  url.hash = `workflow=${encoded}`;
  await navigator.clipboard.writeText(url.toString());
  toast("info", tr("link.copied"));
}

/** The workflow in the fragment of the address, if there is one. */
export async function documentFromLink(hash: string): Promise<ReturnType<typeof normalise>["document"] | undefined> {
  const packed = new URLSearchParams(hash.slice(1)).get("workflow");
  if (packed === null) return undefined;
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return parseWorkflowText(await new Response(stream).text()).document;
}

/** A new, empty workflow. What was open comes back by undo. */
export function newWorkflow(): void {
  beginOther();
  openDocument(EMPTY_DOCUMENT, "step.new");
}

export { upload };
