/** Whether the editor is open in another tab of this browser. */

const LOCK = "kinograph.tab";

let looked: Promise<boolean> | undefined;

/**
 * Whether another tab is open. A lock stands for each: the browser lets go of it when the tab is closed or crashes. Where
 * it has none (plain HTTP from another machine) no other tab is known.
 */
export function otherTabs(): Promise<boolean> {
  return (looked ??= look());
}

async function look(): Promise<boolean> {
  if (!("locks" in navigator)) return false;
  const { held = [] } = await navigator.locks.query();
  void navigator.locks.request(LOCK, { mode: "shared" }, () => new Promise(() => undefined));
  return held.some((lock) => lock.name === LOCK);
}
