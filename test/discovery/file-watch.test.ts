import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import { FileDiscoverer } from '../../src/discovery/file/file-discoverer.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Cleanup = Parameters<typeof temporaryDirectory>[0];

function group(...targets: string[]): string {
  return JSON.stringify([{ targets }]);
}

function addressesIn({ groups }: DiscoveryUpdate): (string | undefined)[] {
  return groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__')));
}

/** A watch whose time and events a test rules. */
function watched(t: Cleanup, { files, refreshIntervalMs = 300_000 }: { files: string[]; refreshIntervalMs?: number }) {
  const time = new FakeWait();
  let onEvent = (): void => {};
  const config = { mechanism: 'file', files, refreshIntervalMs } as const;
  const discoverer = new FileDiscoverer(config, 'file-sd-configs[0]', time, (_, listener) => {
    onEvent = listener;
    return { close: () => undefined };
  });
  const stop = new AbortController();
  const updates = discoverer.watch(stop.signal);
  t.after(() => stop.abort());
  const next = async (): Promise<DiscoveryUpdate> => {
    const { value, done } = await time.untilDone(updates.next());
    assert.ok(done !== true);
    return value;
  };
  /** The update after an event, with the time that passes until then. */
  const afterEvent = async (): Promise<DiscoveryUpdate> => {
    onEvent();
    return next();
  };
  return { time, updates, stop, next, afterEvent, event: () => onEvent() };
}

test('the first answer comes at once, the next when a file changed', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const { time, next, afterEvent } = watched(t, { files: [`${dir}/*.json`] });
  const startMs = time.now();
  assert.deepEqual(addressesIn(await next()), ['a:1']);
  assert.equal(time.now(), startMs);
  writeFileSync(join(dir, 'a.json'), group('a:2'));
  assert.deepEqual(addressesIn(await afterEvent()), ['a:2']);
  assert.equal(time.now() - startMs, 250);
});

test('groups that vanish from a file go', async (t) => {
  const path = join(temporaryDirectory(t), 'a.json');
  writeFileSync(path, '[{"targets":["a:1"]},{"targets":["a:2"]},{"targets":["a:3"]}]');
  const { next, afterEvent } = watched(t, { files: [path] });
  assert.deepEqual(addressesIn(await next()), ['a:1', 'a:2', 'a:3']);
  writeFileSync(path, '[{"targets":["a:2"]}]');
  assert.deepEqual(addressesIn(await afterEvent()), ['a:2']);
});

test('a change that no event tells of is seen by the poll', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const { time, next } = watched(t, { files: [`${dir}/*.json`] });
  await next();
  const startMs = time.now();
  writeFileSync(join(dir, 'a.json'), group('a:22'));
  assert.deepEqual(addressesIn(await next()), ['a:22']);
  assert.equal(time.now() - startMs, 30_000);
});

test('the poll is not rarer than the refresh interval', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const { time, next } = watched(t, { files: [`${dir}/*.json`], refreshIntervalMs: 5_000 });
  await next();
  const startMs = time.now();
  writeFileSync(join(dir, 'b.json'), group('b:1'));
  assert.deepEqual(addressesIn(await next()), ['a:1', 'b:1']);
  assert.equal(time.now() - startMs, 5_000);
});

test('an event without a change, or with other spaces only, gives no update', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const { updates, next, event, time } = watched(t, { files: [`${dir}/*.json`] });
  await next();
  writeFileSync(join(dir, 'a.json'), `\n${group('a:1')}\n`);
  let isAnswered = false;
  const pending = updates.next().finally(() => {
    isAnswered = true;
  });
  event();
  for (let i = 0; i < 20; i++) {
    await time.wake();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.equal(isAnswered, false);
  writeFileSync(join(dir, 'a.json'), group('a:2'));
  const { value } = await time.untilDone(pending);
  assert.deepEqual(addressesIn(value ?? assert.fail()), ['a:2']);
});

test('a file that breaks gives one update, and another when it is mended', async (t) => {
  const path = join(temporaryDirectory(t), 'a.json');
  writeFileSync(path, group('a:1'));
  const { next, afterEvent } = watched(t, { files: [path] });
  await next();
  writeFileSync(path, '[');
  const broken = await afterEvent();
  assert.deepEqual([addressesIn(broken), broken.failures.length], [['a:1'], 1]);
  assert.match(broken.failures[0]?.message ?? '', /keeping 1 instance from the last good version/);
  writeFileSync(path, group('a:1'));
  const mended = await afterEvent();
  assert.deepEqual([addressesIn(mended), mended.failures], [['a:1'], []]);
});

test('the groups of a removed file go after a second', async (t) => {
  const dir = temporaryDirectory(t);
  for (const name of ['a', 'b']) writeFileSync(join(dir, `${name}.json`), group(`${name}:1`));
  const { time, next, afterEvent } = watched(t, { files: [`${dir}/*.json`] });
  await next();
  rmSync(join(dir, 'b.json'));
  const startMs = time.now();
  assert.deepEqual(addressesIn(await afterEvent()), ['a:1']);
  assert.ok(time.now() - startMs >= 1_000 && time.now() - startMs <= 1_300, String(time.now() - startMs));
});

test('a file that is back within a second was never away', async (t) => {
  const path = join(temporaryDirectory(t), 'a.json');
  writeFileSync(path, group('a:1'));
  const { time, updates, next, event } = watched(t, { files: [path] });
  await next();
  rmSync(path);
  const pending = updates.next();
  await time.settled();
  event();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await time.wake(), 250);
  await time.settled();
  writeFileSync(path, group('a:1', 'b:1'));
  const { value } = await time.untilDone(pending);
  assert.deepEqual([addressesIn(value ?? assert.fail()), value?.warnings], [['a:1', 'b:1'], []]);
});

test('a plain file that is not there is a warning until it comes', async (t) => {
  const path = join(temporaryDirectory(t), 'a.json');
  const { next, afterEvent } = watched(t, { files: [path] });
  const first = await next();
  assert.deepEqual([first.failures, first.warnings], [[], [`file-sd-configs[0]: there is no file ${path}`]]);
  writeFileSync(path, group('a:1'));
  const second = await afterEvent();
  assert.deepEqual([addressesIn(second), second.warnings], [['a:1'], []]);
  rmSync(path);
  const third = await afterEvent();
  assert.deepEqual([addressesIn(third), third.warnings], [[], [`file-sd-configs[0]: there is no file ${path}`]]);
});

test('a directory that appears later is found', async (t) => {
  const dir = join(temporaryDirectory(t), 'later');
  const { next } = watched(t, { files: [`${dir}/*.json`] });
  assert.deepEqual((await next()).warnings, [`file-sd-configs[0]: there is no directory ${dir}/`]);
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const { groups, warnings } = await next();
  assert.deepEqual([groups.length, warnings], [1, []]);
});

test('the watch ends with its signal', async (t) => {
  const path = join(temporaryDirectory(t), 'a.json');
  writeFileSync(path, group('a:1'));
  const { updates, stop, next, time } = watched(t, { files: [path] });
  await next();
  const pending = updates.next();
  await time.settled();
  stop.abort();
  assert.deepEqual(await pending, { value: undefined, done: true });
});

/** The update in which these addresses are there, in real time and with real events. */
async function untilAddresses(updates: AsyncGenerator<DiscoveryUpdate>, wanted: string[]): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const { value, done } = await updates.next();
    assert.ok(done !== true);
    if (addressesIn(value).join() === wanted.join()) return performance.now() - startMs;
  }
}

test('real events tell of a file renamed into place, long before the poll', { timeout: 20_000 }, async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a.json'), group('a:1'));
  const config = { mechanism: 'file', files: [`${dir}/*.json`], refreshIntervalMs: 300_000 } as const;
  const stop = new AbortController();
  const updates = new FileDiscoverer(config, 'file-sd-configs[0]', REAL_TIME).watch(stop.signal);
  await untilAddresses(updates, ['a:1']);
  writeFileSync(join(dir, '.tmp'), group('b:1'));
  renameSync(join(dir, '.tmp'), join(dir, 'b.json'));
  assert.ok((await untilAddresses(updates, ['a:1', 'b:1'])) < 10_000);
  stop.abort();
  await updates.return(undefined);
});

test('real events tell of a swap of the ..data link, as Kubernetes does it', { timeout: 20_000 }, async (t) => {
  const dir = temporaryDirectory(t);
  for (const [version, address] of [
    ['..v1', 'a:1'],
    ['..v2', 'a:2'],
  ] as const) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'targets.json'), group(address));
  }
  symlinkSync('..v1', join(dir, '..data'));
  symlinkSync('..data/targets.json', join(dir, 'targets.json'));
  const config = { mechanism: 'file', files: [`${dir}/*.json`], refreshIntervalMs: 300_000 } as const;
  const stop = new AbortController();
  const updates = new FileDiscoverer(config, 'file-sd-configs[0]', REAL_TIME).watch(stop.signal);
  await untilAddresses(updates, ['a:1']);
  symlinkSync('..v2', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  assert.ok((await untilAddresses(updates, ['a:2'])) < 10_000);
  stop.abort();
  await updates.return(undefined);
});
