import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirectoryWatcher } from '../../src/discovery/file/directory-watcher.ts';
import { FakeWait } from '../support/fake-wait.ts';

/** A watcher whose directories a test makes speak. */
function watched() {
  const time = new FakeWait();
  const open = new Map<string, () => void>();
  const watcher = new DirectoryWatcher(time, (directory, onEvent) => {
    if (directory === 'missing/') throw new Error('ENOENT');
    open.set(directory, onEvent);
    return { close: () => open.delete(directory) };
  });
  return { time, open, watcher };
}

const SIGNAL = new AbortController().signal;

test('without an event a wait ends at its limit', async () => {
  const { time, watcher } = watched();
  const next = watcher.next(30_000, SIGNAL);
  assert.equal(await time.wake(), 30_000);
  assert.equal(await next, false);
});

test('an event ends the wait after a quarter of a second of quiet', async () => {
  const { time, open, watcher } = watched();
  watcher.watch(['d/']);
  const next = watcher.next(30_000, SIGNAL);
  await time.settled();
  open.get('d/')?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await time.wake(), 250);
  assert.equal(await next, true);
});

test('events that keep coming put the answer off, but not for ever', async () => {
  const { time, open, watcher } = watched();
  watcher.watch(['d/']);
  open.get('d/')?.();
  const startMs = time.now();
  let isDone = false;
  const next = watcher.next(30_000, SIGNAL).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    if (time.clock.nextIn !== undefined) {
      time.clock.advance(100);
      open.get('d/')?.();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await next, true);
  assert.ok(time.now() - startMs >= 2_000 && time.now() - startMs < 2_300, String(time.now() - startMs));
});

test('an event between two waits counts for the next', async () => {
  const { time, open, watcher } = watched();
  watcher.watch(['d/']);
  open.get('d/')?.();
  const next = watcher.next(30_000, SIGNAL);
  assert.equal(await time.wake(), 250);
  assert.equal(await next, true);
});

test('a directory that cannot be watched is tried again the next time', () => {
  const { open, watcher } = watched();
  watcher.watch(['missing/', 'd/']);
  assert.deepEqual([...open.keys()], ['d/']);
  watcher.watch(['e/']);
  assert.deepEqual([...open.keys()], ['e/']);
  watcher.close();
  assert.deepEqual([...open.keys()], []);
});

test('the signal ends a wait at once', async () => {
  const { time, watcher } = watched();
  const stop = new AbortController();
  const next = watcher.next(30_000, stop.signal);
  await time.settled();
  stop.abort();
  assert.equal(await next, false);
  assert.equal(time.clock.nextIn, undefined);
});
