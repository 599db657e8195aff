/** The name of this browser towards the server's queue; kept, so that fair shares and results stay with it. */
export function clientName(): string {
  const key = "kinograph.client";
  const kept = localStorage.getItem(key);
  if (kept !== null) return kept;
  const made = `browser-${Math.random().toString(36).slice(2, 10)}`;
  localStorage.setItem(key, made);
  return made;
}
