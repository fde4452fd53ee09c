import type { DeliveryClock } from '../../src/sinks/queue/delivery.ts';

/** A clock that stands still until a test moves it. */
export class FakeClock implements DeliveryClock {
  nowMs: number;
  /** How far somebody has set the wall clock since. */
  setByMs = 0;
  /** What `random` gives next; 1 makes every backoff its whole length. */
  chance = 0.5;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  constructor(nowMs = Date.UTC(2026, 10, 22, 10, 0, 0)) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs + this.setByMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  random(): number {
    return this.chance;
  }

  schedule(ms: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds from now to the next timer; undefined where there is none. */
  get nextIn(): number | undefined {
    const next = Math.min(...[...this.#timers].map(({ atMs }) => atMs));
    return Number.isFinite(next) ? next - this.nowMs : undefined;
  }

  /** Moves time on; timers run at their own moment, in order. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
    }
    this.nowMs = endMs;
  }
}
