import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { WaitDeps } from '../../src/discovery/wait.ts';
import { FakeClock } from './fake-clock.ts';

/** Time for discovery that stands still until a test moves it. */
export class FakeWait implements WaitDeps {
  readonly clock = new FakeClock();
  /** How long each sleep so far was asked to last. */
  readonly sleeps: number[] = [];

  now(): number {
    return this.clock.now();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const cancel = this.clock.schedule(ms, () => resolve());
      signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  /** Until somebody sleeps; then moves time by what the first of them waits for, and gives that. */
  async wake(): Promise<number> {
    while (this.clock.nextIn === undefined) await setImmediate();
    const ms = this.clock.nextIn;
    this.clock.advance(ms);
    return ms;
  }

  /** Until somebody sleeps. */
  async settled(): Promise<void> {
    while (this.clock.nextIn === undefined) await setImmediate();
  }

  /** What the promise gives, with every sleep on the way cut short. Rejects where it gives nothing within a (fake) day. */
  async untilDone<T>(promise: Promise<T>): Promise<T> {
    const endMs = this.now() + 24 * 3_600_000;
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    while (!isDone) {
      assert.ok(this.now() < endMs, 'there was no answer for a day');
      if (this.clock.nextIn !== undefined) this.clock.advance(this.clock.nextIn);
      await setImmediate();
    }
    return promise;
  }
}
