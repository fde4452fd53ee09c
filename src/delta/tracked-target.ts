import type { DeltaState } from './delta-state.ts';

/** All that is remembered of a target between two scrapes. Immutable: a step makes a new one. */
export interface TrackedTarget {
  /** Undefined for what is never subtracted here (godeltaprof, instantaneous profiles). */
  readonly state: DeltaState | undefined;
  readonly stamp: Stamp;
  /** Tells a response that is the same as this one. 64 bits. */
  readonly fingerprint: bigint;
  /** Successful scrapes since the last counter reset; Infinity if there was none. */
  readonly sinceReset: number;
  /**
   * Several processes answer behind this address: no reset is emitted until this many scrapes in a row show none. 0: no such
   * suspicion.
   */
  readonly calmNeeded: number;
  /** The last scrape failed: what the target measured from its last answer on may be lost. */
  readonly hasGap: boolean;
}

/** When a snapshot was taken, by every clock there is. */
export interface Stamp {
  /** The profile's own time_nanos; 0 where it has none or one that can't be true. */
  readonly targetNanos: bigint;
  /** Our wall clock when the response's headers arrived, Unix milliseconds. */
  readonly wallMs: number;
  /** Our monotonic clock then, milliseconds; undefined for a stamp from another process. */
  readonly monotonicMs: number | undefined;
}

/** The target's time if it has one, else ours. Unix nanoseconds. */
export function nanosOf(stamp: Stamp): bigint {
  return stamp.targetNanos === 0n ? msToNanos(stamp.wallMs) : stamp.targetNanos;
}

/** Clocks that differ by less over one interval were not set meanwhile, in milliseconds: they drift, or were not read at once. */
const CLOCK_SET_MS = 1000;

/**
 * How long it was from one stamp to the next, in nanoseconds: by the target's clock if both have it and it went forward,
 * else by our wall clock, so that an interval begins where the one before it ended. Where that clock was set meanwhile the
 * monotonic one decides. Never negative.
 */
export function elapsedNanos(from: Stamp, to: Stamp): bigint {
  if (from.targetNanos > 0n && to.targetNanos > from.targetNanos) return to.targetNanos - from.targetNanos;
  const wallMs = to.wallMs - from.wallMs;
  if (from.monotonicMs === undefined || to.monotonicMs === undefined) return msToNanos(Math.max(0, wallMs));
  const monotonicMs = to.monotonicMs - from.monotonicMs;
  return msToNanos(Math.max(0, Math.abs(wallMs - monotonicMs) < CLOCK_SET_MS ? wallMs : monotonicMs));
}

/** Rounded to whole microseconds, which a double of milliseconds still tells apart. */
export function msToNanos(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
