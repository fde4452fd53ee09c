import { setImmediate } from 'node:timers/promises';
import type { LoopClock } from '../../src/loop/timer-queue.ts';
import { FakeClock } from './fake-clock.ts';

/** A wall clock and a monotonic one that stand still until a test moves both, or sets the wall clock alone. */
export class FakeLoopClock implements LoopClock {
  readonly #clock = new FakeClock(0);
  #offsetMs: number;

  constructor(nowMs = Date.UTC(2026, 10, 22, 10, 0, 0)) {
    this.#offsetMs = nowMs;
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  monotonic(): number {
    return this.#clock.now();
  }

  schedule(ms: number, run: () => void): () => void {
    return this.#clock.schedule(ms, run);
  }

  /** Timers that wait. */
  get hasTimer(): boolean {
    return this.#clock.nextIn !== undefined;
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }

  /** Lets time go by, timer after timer, and what hangs on each of them happen. */
  async advance(ms: number): Promise<void> {
    const endMs = this.monotonic() + ms;
    await settled();
    while (this.monotonic() < endMs) {
      const nextMs = this.#clock.nextIn ?? Number.POSITIVE_INFINITY;
      this.#clock.advance(Math.min(Math.max(0, nextMs), endMs - this.monotonic()));
      await settled();
    }
  }
}

/** Everything that needs no time has happened. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await setImmediate();
}
