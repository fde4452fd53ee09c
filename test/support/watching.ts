import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Discoverer, DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import type { FakeWait } from './fake-wait.ts';

/** A discoverer that is watched in a time that the test rules. */
export interface Watching {
  /** The next update; sleeps on the way are cut short. */
  next(): Promise<DiscoveryUpdate>;
  /** Asserts that no update comes while `done` is not yet true, however much time passes. */
  silentUntil(done: () => boolean): Promise<void>;
  stop(): void;
}

export function watching(
  t: { after(run: () => Promise<void> | void): void },
  discoverer: Discoverer,
  time: FakeWait,
): Watching {
  const stop = new AbortController();
  const updates = discoverer.watch(stop.signal)[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<DiscoveryUpdate>> | undefined;
  let arrived = false;
  const ask = (): Promise<IteratorResult<DiscoveryUpdate>> => {
    if (pending === undefined) {
      arrived = false;
      pending = updates.next().finally(() => {
        arrived = true;
      });
    }
    return pending;
  };
  t.after(async () => {
    stop.abort();
    await pending?.catch(() => undefined);
  });
  return {
    async next() {
      const { value, done } = await time.untilDone(ask());
      pending = undefined;
      assert.ok(done !== true, 'the watch has ended');
      return value;
    },
    async silentUntil(done) {
      ask().catch(() => undefined);
      while (!done()) {
        assert.equal(arrived, false, 'there was an update');
        if (time.clock.nextIn !== undefined) time.clock.advance(time.clock.nextIn);
        await setImmediate();
      }
      for (let i = 0; i < 5; i++) await setImmediate();
      assert.equal(arrived, false, 'there was an update');
    },
    stop: () => stop.abort(),
  };
}
