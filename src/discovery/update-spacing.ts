/** Prometheus's numbers. */
const MIN_SPACING_MS = 100;
const MAX_SPACING_MS = 5_000;
const QUIET_MS = 5_000;

/**
 * How far apart updates are handed on: at once after some quiet, then at a distance that doubles from 100 ms to 5 s while they
 * keep coming. A rollout changes hundreds of pods, and each update is the full set.
 */
export class UpdateSpacing {
  #lastMs = Number.NEGATIVE_INFINITY;
  #spacingMs = MIN_SPACING_MS;

  /** Milliseconds from now until the next update may be handed on. */
  delayMs(nowMs: number): number {
    // The wall clock may have been set back since.
    return Math.min(this.#spacingMs, Math.max(0, this.#lastMs + this.#spacingMs - nowMs));
  }

  handedOn(nowMs: number): void {
    const isQuiet = nowMs - this.#lastMs > QUIET_MS;
    this.#spacingMs = isQuiet ? MIN_SPACING_MS : Math.min(MAX_SPACING_MS, this.#spacingMs * 2);
    this.#lastMs = nowMs;
  }
}
