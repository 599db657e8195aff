/** The form alone, as an address for everybody who reaches this server. */

import { useSaving } from "../../store/saving";
import { toast } from "../../store/ui";
import { saveAtOnce } from "./autosave";
import { tr } from "./tr";

/** The saved workflow that the address asks for as a form. */
export function sharedForm(): string | undefined {
  const asked = new URLSearchParams(location.search);
  return asked.get("view") === "form" ? (asked.get("workflow") ?? undefined) : undefined;
}

/** The address of the form alone. It carries the name of the workflow, not the workflow. */
export function formAddress(name: string): string {
  const url = new URL(location.href);
  url.hash = "";
  url.search = `?view=form&workflow=${encodeURIComponent(name)}`;
  return url.toString();
}

/** Copy text, also where the page did not come over a secure connection (a phone in the same house). */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** Save, and copy the address of the form alone. */
export async function shareForm(): Promise<void> {
  if (!(await saveAtOnce())) return;
  const address = formAddress(useSaving.getState().name);
  toast("info", (await copyText(address)) ? tr("form.copied") : address);
}
