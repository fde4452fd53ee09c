/** Prometheus's bounds. */
const MIN_SPACING_MS = 100;
const MAX_SPACING_MS = 5_000;
/** Taking updates in may use a tenth of the time. */
const TIMES_THE_COST = 10;

/**
 * How far apart updates are handed on. Each is the full set, and a rollout changes hundreds of pods: so their distance is a
 * multiple of what it cost to take in the last one, from 100 ms to 5 s. Prometheus doubles the wait while updates keep coming, whatever they
 * cost, and then follows a small fleet up to 5 s late.
 */
export class UpdateSpacing {
  #startMs = Number.NEGATIVE_INFINITY;
  #spacingMs = MIN_SPACING_MS;

  /** Milliseconds from now until the next update may be handed on. */
  delayMs(nowMs: number): number {
    // The wall clock may have been set back since.
    return Math.min(this.#spacingMs, Math.max(0, this.#startMs + this.#spacingMs - nowMs));
  }

  /** An update that was handed on at `startMs` has been taken in. */
  takenIn(startMs: number, nowMs: number): void {
    const costMs = nowMs - startMs;
    this.#spacingMs = Math.min(MAX_SPACING_MS, Math.max(MIN_SPACING_MS, costMs * TIMES_THE_COST));
    this.#startMs = startMs;
  }
}
