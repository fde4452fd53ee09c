/** client-go's numbers. */
const FIRST_MS = 800;
const MAX_MS = 30_000;
const RESET_AFTER_MS = 120_000;

/** Waits that double from 0.8 s to 30 s, each with up to as much again by chance; they begin anew after two quiet minutes. */
export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  #nextMs = FIRST_MS;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  next(): number {
    const now = this.#now();
    if (now - this.#lastMs > RESET_AFTER_MS) this.#nextMs = FIRST_MS;
    const ms = this.#nextMs * (1 + this.#random());
    this.#nextMs = Math.min(MAX_MS, this.#nextMs * 2);
    this.#lastMs = now + ms;
    return ms;
  }
}
