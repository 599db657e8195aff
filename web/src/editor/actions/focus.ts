/** Keyboard focus on nodes, also on ones that are only about to be drawn. */

const TRIES = 60;

/** Focus a node as soon as it is drawn; given up after a second or when something else was focused meanwhile. */
export function focusNodeElement(id: string): void {
  const before = document.activeElement;
  let left = TRIES;
  const attempt = (): void => {
    const now = document.activeElement;
    if (now !== before && now !== document.body && now !== null) return;
    const element = document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
    if (element) element.focus({ preventScroll: true });
    left -= 1;
    if (document.activeElement !== element || element === null) {
      if (left > 0) requestAnimationFrame(attempt);
    }
  };
  requestAnimationFrame(attempt);
}
