import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStateStore } from '../../src/delta/state-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = '21cd27718cc6af2c';

async function storeIn(t: TestContext) {
  const dir = join(temporaryDirectory(t), 'state');
  const store = await openStateStore(dir);
  t.after(() => store.close());
  return { dir, store, path: join(dir, `${KEY}.1.state`) };
}

test('what was saved last is loaded, longer or shorter than before', async (t) => {
  const { store } = await storeIn(t);
  assert.deepEqual(store.load(KEY), []);
  for (const length of [1000, 2000, 10, 0]) {
    const state = new Uint8Array(length).fill(length % 251);
    store.save(KEY, state);
    assert.deepEqual(new Uint8Array(store.load(KEY)[0] ?? [1]), state);
  }
});

test('a save that is cut off leaves the one before it, which comes second', async (t) => {
  const { dir, store } = await storeIn(t);
  for (const byte of [1, 2, 3]) store.save(KEY, new Uint8Array(100).fill(byte));
  const torn = join(dir, `${KEY}.1.state`);
  writeFileSync(torn, readFileSync(torn).subarray(0, 50));
  assert.deepEqual(
    store.load(KEY).map((state) => [state[0], state.length]),
    [
      [3, 46],
      [2, 100],
    ],
  );
});

test('another process goes on with the newest state', async (t) => {
  const { dir, store } = await storeIn(t);
  for (const byte of [1, 2, 3]) store.save(KEY, Uint8Array.of(byte));
  await store.close();
  const next = await openStateStore(dir);
  t.after(() => next.close());
  next.save(KEY, Uint8Array.of(4));
  assert.deepEqual(
    next.load(KEY).map((state) => state[0]),
    [4, 3],
  );
});

test('files are for the owner alone', async (t) => {
  const { dir, store, path } = await storeIn(t);
  store.save(KEY, new Uint8Array(3));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('old states are evicted, whatever else lies there stays', async (t) => {
  const { dir, store, path } = await storeIn(t);
  store.save(KEY, new Uint8Array(3));
  store.save('00000000000000aa', new Uint8Array(3));
  writeFileSync(join(dir, 'notes.txt'), '');
  const nowMs = Date.now();
  for (const old of [path, join(dir, 'notes.txt')]) utimesSync(old, new Date(nowMs - 10_000), new Date(nowMs - 10_000));
  assert.equal(store.evict(nowMs, 5_000), 1);
  const left = readdirSync(dir).filter((name) => !name.startsWith('.lock-'));
  assert.deepEqual(left.sort(), ['00000000000000aa.1.state', 'notes.txt']);
});

test('a state that cannot be written is a StateError', async (t) => {
  const { dir, store } = await storeIn(t);
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(dir, `${KEY}.1.state`));
  assert.throws(() => store.save(KEY, new Uint8Array(3)), { name: 'StateError', code: 'STATE_FILE' });
});

test('a second process is kept out', async (t) => {
  const { dir } = await storeIn(t);
  await assert.rejects(openStateStore(dir), { name: 'StateError', code: 'LOCKED' });
});
