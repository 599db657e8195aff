/**
 * Autosave: every change goes to this browser at once and to the server within two seconds, so that neither a closed or
 * crashed tab nor a dead server loses work. When the server cannot be reached the browser's copy is sent later.
 */

import { ServerError, getVersion, listVersions, putWorkflow } from "../../api/client";
import type { WorkflowDocument } from "../../graph/document";
import { diffDocuments } from "../../graph/diff";
import { normalise } from "../../graph/normalise";
import { toJson } from "../../graph/serialise";
import { useEditor } from "../../store/editor";
import { asGiven, asSaved } from "../../store/plan";
import { clearNodes } from "../../store/run";
import { useSaving } from "../../store/saving";
import { setUi, toast } from "../../store/ui";
import { copies, copyOf, keepCopy } from "./localCopies";
import { otherTabs } from "./otherTabs";
import { tr } from "./tr";

const DRAFT = "draft-";
const NAME_KEY = "kinograph.open";
const COPY_MS = 150;
const PAUSE_MS = 1200;
const RETRY_MS = 5000;
const PATIENCE_MS = 3000;

let timer: ReturnType<typeof setTimeout> | undefined;
let copyTimer: ReturnType<typeof setTimeout> | undefined;
let saved: WorkflowDocument | undefined;
/** Whether what was recovered never reached the server. */
let unsent = false;

/** The name of this tab's document; kept over a reload, its own in every tab. */
function tabName(): string {
  const kept = sessionStorage.getItem(NAME_KEY);
  if (kept !== null) return kept;
  const made = `${DRAFT}${new Date().toISOString().slice(0, 10)}-${Math.random().toString(36).slice(2, 6)}`;
  sessionStorage.setItem(NAME_KEY, made);
  return made;
}

function keepLocally(document: WorkflowDocument, sent = false, { name, version } = useSaving.getState()): void {
  clearTimeout(copyTimer);
  keepCopy({ name, version, sent, at: Date.now(), workflow: toJson(document) });
}

async function send(autosave = true): Promise<boolean> {
  const { document } = useEditor.getState();
  if (document === saved) return true;
  keepLocally(document);
  try {
    const { name, version } = useSaving.getState();
    const entry = await putWorkflow(name, toJson(autosave ? asSaved(document) : await asGiven(document)), { autosave, version });
    if (useSaving.getState().name !== name) return true; // another document was opened meanwhile
    useSaving.setState({ version: entry.version });
    saved = document;
    const current = useEditor.getState().document === document;
    if (current) keepLocally(document, true);
    useSaving.setState({ state: current ? "saved" : "pending" });
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.status === 412) {
      leaveName();
      return send(autosave);
    }
    useSaving.setState({ state: "local" });
    if (!(error instanceof ServerError)) timer = setTimeout(() => void send(), RETRY_MS);
    return false;
  }
}

/** Another tab has saved under this name: from now on this tab has a name of its own, and both keep their work. */
function leaveName(): void {
  sessionStorage.removeItem(NAME_KEY);
  useSaving.setState({ name: tabName(), version: undefined });
  toast("info", tr("save.forked", { name: useSaving.getState().name }));
}

/** Whether a name was made up: nobody has saved the document under a name of its own. */
export function isDraft(name: string): boolean {
  return name.startsWith(DRAFT);
}

/**
 * Another document is about to be opened: what is open now is saved under its name, and the other gets its own (a new
 * draft's, or that under which it was saved). So opening never writes one document over another. Results of the one are
 * not shown on nodes of the other.
 */
export function beginOther(of?: { readonly name: string; readonly version: number; readonly document: WorkflowDocument }): void {
  clearTimeout(timer);
  if (useSaving.getState().state !== "saved") void send();
  clearNodes();
  sessionStorage.removeItem(NAME_KEY);
  if (of) sessionStorage.setItem(NAME_KEY, of.name);
  saved = of?.document;
  useSaving.setState({ name: tabName(), version: of?.version, state: "saved" });
}

/** Save under a name; false where it is taken and `over` does not say that a new version of that one is meant. */
export async function saveAs(name: string, over = false): Promise<boolean> {
  clearTimeout(timer);
  const { document } = useEditor.getState();
  try {
    const entry = await putWorkflow(name, toJson(await asGiven(document)), { version: over ? undefined : 0 });
    sessionStorage.setItem(NAME_KEY, name);
    saved = document;
    useSaving.setState({ name, version: entry.version, state: "saved" });
    keepLocally(document, true);
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.status === 412) return false;
    throw error;
  }
}

/** Save now, and say so; a document without a name of its own is asked for one. */
export async function saveNow(): Promise<void> {
  if (isDraft(useSaving.getState().name)) {
    setUi({ files: "save" });
    return;
  }
  if (await saveAtOnce()) toast("info", tr("save.done"));
}

/** Save a version now under the name that there is, a draft's too. */
export async function saveAtOnce(): Promise<boolean> {
  clearTimeout(timer);
  saved = undefined;
  const done = await send(false);
  if (!done) toast("error", tr("save.failed"));
  return done;
}

/** What is on the screen now becomes a document of its own, beside the one that this tab had open. */
export function beginAnew(): void {
  sessionStorage.removeItem(NAME_KEY);
  useSaving.setState({ name: tabName(), version: undefined });
  unsent = true;
}

/** Begin to save changes. Returns how to stop. */
export function watchSaving(): () => void {
  useSaving.setState({ name: tabName() });
  saved = unsent ? undefined : useEditor.getState().document;
  if (unsent) void send();
  const stop = useEditor.subscribe((state, before) => {
    if (state.document === before.document || state.document === saved) return;
    useSaving.setState({ state: "pending" });
    clearTimeout(timer);
    timer = setTimeout(() => void send(), PAUSE_MS);
    clearTimeout(copyTimer);
    copyTimer = setTimeout(() => keepLocally(useEditor.getState().document), COPY_MS);
  });
  const leaving = (): void => {
    const { document } = useEditor.getState();
    if (document === saved) return;
    keepLocally(document);
    const { name, version } = useSaving.getState();
    void putWorkflow(name, toJson(asSaved(document)), { autosave: true, keepalive: true, version }).catch(() => undefined);
  };
  window.addEventListener("pagehide", leaving);
  return () => {
    stop();
    clearTimeout(timer);
    clearTimeout(copyTimer);
    window.removeEventListener("pagehide", leaving);
  };
}

type Kept = { readonly document: WorkflowDocument; readonly version: number };

/** What the server keeps under a name: "nothing", or "unreached" where it does not answer. */
async function fromServer(name: string): Promise<Kept | "nothing" | "unreached"> {
  const ask = async (): Promise<Kept | "nothing" | "unreached"> => {
    try {
      const [latest] = (await listVersions(name)).workflows;
      if (!latest) return "nothing";
      return { document: normalise(await getVersion(name, latest.version)).document, version: latest.version };
    } catch (error) {
      return error instanceof ServerError && error.status === 404 ? "nothing" : "unreached";
    }
  };
  return Promise.race([ask(), new Promise<"unreached">((late) => setTimeout(() => late("unreached"), PATIENCE_MS))]);
}

/** Whether two documents are one to a person: what they require is computed and may have been added on the way. */
function isSame(one: WorkflowDocument, other: WorkflowDocument): boolean {
  return diffDocuments(one, other).every((change) => change.part === "requires");
}

/**
 * What this tab had open: after a reload or a crash its own document. A new tab begins with what was open last when no
 * other tab is open (the browser was closed, or its only tab crashed), and empty beside another tab.
 */
export async function recover(): Promise<WorkflowDocument | undefined> {
  const others = await otherTabs();
  const own = sessionStorage.getItem(NAME_KEY);
  const local = own !== null ? copyOf(own) : others ? undefined : copies()[0];
  const name = own ?? local?.name;
  if (name === undefined) return undefined;
  sessionStorage.setItem(NAME_KEY, name);
  const kept = await fromServer(name);
  const onServer = typeof kept === "object" ? kept : undefined;
  try {
    const document = local && normalise(local.workflow).document;
    if (document && !(onServer && (local.sent || isSame(onServer.document, document)))) {
      useSaving.setState({ version: kept === "nothing" ? undefined : local.version });
      unsent = kept === "nothing" || !local.sent;
      return document;
    }
  } catch {
    // a copy that cannot be read is no copy
  }
  useSaving.setState({ version: onServer?.version });
  return onServer?.document;
}
