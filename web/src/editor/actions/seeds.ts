/** A new random seed, readable enough to be told to somebody. */
export function rollSeed(limit: number | undefined): number {
  const numbers = new Uint32Array(1);
  crypto.getRandomValues(numbers);
  const most = Math.min(limit ?? 999_999_999, 999_999_999);
  return (numbers[0] ?? 0) % (most + 1);
}
