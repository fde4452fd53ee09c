import { type Backoff, backoffMs } from './backoff.ts';

/** So many failures in a row, of whatever profiles, mean that the remote is down rather than a profile odd. */
const FAILURES_TO_CLOSE = 5;
/** A remote that asks to be let alone for so long holds things up. */
const LONG_WAIT_MS = 10_000;

export type GateState =
  | 'open'
  /** The remote is down or asked us to stay away: nothing goes until `opensAtMs`, then one profile as a probe. */
  | 'closed'
  /** As closed, but somebody has to mend the set-up. */
  | 'paused';

/**
 * Decides how many profiles may be on their way to one remote: a circuit breaker that lets a dead server alone, tries it
 * with one profile at a time, and opens at its first success. All times are monotonic: a wall clock that is set back
 * would keep it shut for as long.
 */
export class Gate {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #state: GateState = 'open';
  #failures = 0;
  #closings = 0;
  #opensAtMs = 0;
  #isDown = false;

  constructor(backoff: Backoff, random: () => number) {
    this.#backoff = backoff;
    this.#random = random;
  }

  get state(): GateState {
    return this.#state;
  }

  /**
   * True once the remote has failed so often, or wants to be let alone for so long, that a person should know. A single
   * answer that asks us to wait a moment, between others that are good, is an ordinary day.
   */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Monotonic milliseconds; nothing may be sent before. */
  get opensAtMs(): number {
    return this.#opensAtMs;
  }

  /** How many may be on their way at this moment, of `max` that the user allows. */
  allowed(atMs: number, max: number): number {
    if (atMs < this.#opensAtMs) return 0;
    return this.#state === 'open' ? max : 1;
  }

  /** True where the remote is back: what waits need not wait on. */
  succeeded(): boolean {
    const wasShut = this.#state !== 'open';
    this.#state = 'open';
    this.#failures = 0;
    this.#closings = 0;
    this.#opensAtMs = 0;
    this.#isDown = false;
    return wasShut;
  }

  failed(atMs: number, retryAfterMs: number | undefined): void {
    this.#failures += 1;
    const isProbe = this.#state !== 'open' && atMs >= this.#opensAtMs;
    const asksForLong = retryAfterMs !== undefined && retryAfterMs >= LONG_WAIT_MS;
    if (isProbe || asksForLong || this.#failures >= FAILURES_TO_CLOSE) this.#isDown = true;
    if (retryAfterMs !== undefined) {
      this.#shut('closed', atMs + retryAfterMs);
      return;
    }
    if (this.#state === 'open' && this.#failures < FAILURES_TO_CLOSE) return;
    // The ones that were already on their way when it closed say nothing new.
    if (atMs < this.#opensAtMs) return;
    this.#closings += 1;
    this.#shut('closed', atMs + backoffMs(this.#closings, this.#backoff, this.#random));
  }

  /** True where that is news. */
  misconfigured(atMs: number): boolean {
    const isNews = this.#state !== 'paused';
    this.#shut('paused', atMs + this.#backoff.maxMs);
    return isNews;
  }

  #shut(state: 'closed' | 'paused', opensAtMs: number): void {
    this.#state = state;
    this.#opensAtMs = Math.max(this.#opensAtMs, opensAtMs);
  }
}
