export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Wait before the next attempt after `failures` (from 1) in a row: exponential with full jitter, anywhere between 0 and
 * `minMs` doubled with each failure, so that clients which failed together don't come back together. `random` gives a
 * number in [0, 1).
 */
export function backoffMs(failures: number, { minMs, maxMs }: Backoff, random: () => number): number {
  // Past 2^31 a doubling no longer matters and would overflow to Infinity in the end.
  return random() * Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 31));
}
