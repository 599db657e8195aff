/** Whether things may move that nobody asked to: not where the person wants less motion. */
export function motionWanted(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A duration, or nothing where the person asked for less motion. */
export function motionMs(duration: number): number {
  return motionWanted() ? duration : 0;
}
