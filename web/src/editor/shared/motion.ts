/** A duration, or nothing where the person asked for less motion. */
export function motionMs(duration: number): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : duration;
}
