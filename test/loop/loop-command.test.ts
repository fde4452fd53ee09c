import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { buildProfile } from '../support/build-profile.ts';
import { answers, type Cleanup, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { GoHeap } from '../support/go-heap.ts';
import { type MemoryIo, memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A heap that grows with each request. */
async function startGrowingTarget(test: Cleanup): Promise<FakeTarget> {
  const heap = new GoHeap({ samples: 20 });
  return startFakeTarget(test, (request, response) => {
    heap.advance({ changed: 0.5 });
    answers.profile(gzipSync(buildProfile(heap.snapshot())))(request, response);
  });
}

function configOf(address: string, changes: Record<string, unknown> = {}): string {
  const job = {
    'job-name': 'shop',
    'scrape-interval': '1s',
    'enabled-profiles': ['mem'],
    'static-configs': [{ application: 'shop', targets: [address] }],
    ...changes,
  };
  return JSON.stringify({ 'scrape-configs': [job] });
}

interface Running {
  readonly io: MemoryIo;
  readonly dir: string;
  readonly ended: Promise<number>;
  index(): Record<string, unknown>[];
}

async function startLoop(test: Cleanup, text: string, flags: readonly string[] = [], dir?: string): Promise<Running> {
  const cwd = dir ?? temporaryDirectory(test);
  writeFileSync(join(cwd, 'pyro-pull.yml'), text);
  const io = memoryIo({ cwd });
  const ended = run(['scrape', '--loop', ...flags], io);
  return {
    io,
    dir: cwd,
    ended,
    index() {
      try {
        const lines = readFileSync(join(cwd, 'profiles/index.ndjson'), 'utf8').split('\n').filter(Boolean);
        return lines.map((line) => JSON.parse(line));
      } catch {
        return [];
      }
    },
  };
}

/** Until it is so, for ten seconds at most. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !isSo(); waited += 20) {
    assert.ok(waited < 10_000, `${what} did not happen`);
    await sleep(20);
  }
}

test('profiles are written at every interval until the signal, exit code 0', async (context) => {
  const target = await startGrowingTarget(context);
  const loop = await startLoop(context, configOf(target.address));
  await until(() => loop.index().length >= 2, 'the second delta');
  loop.io.signal('SIGTERM');
  assert.equal(await loop.ended, 0);
  assert.equal(target.connections, 1, 'the connection is kept from interval to interval');
  assert.match(loop.io.err(), /job shop: 1 target to scrape \(1 new, 0 gone\)/);
  const [first, second] = loop.index();
  const gapMs = Date.parse(String(second?.['from'])) - Date.parse(String(first?.['until']));
  assert.ok(Math.abs(gapMs) <= 1, `intervals join, but for ${gapMs} ms`);
});

test('after a restart the first scrape gives a delta already', async (context) => {
  const target = await startGrowingTarget(context);
  const before = await startLoop(context, configOf(target.address));
  await until(() => before.index().length >= 1, 'a delta');
  before.io.signal('SIGINT');
  assert.equal(await before.ended, 0);
  const [written, requests] = [before.index().length, target.requests.length];
  const after = await startLoop(context, configOf(target.address), [], before.dir);
  await until(() => target.requests.length > requests, 'a scrape');
  await until(() => after.index().length > written, 'its delta');
  after.io.signal('SIGTERM');
  await after.ended;
  assert.equal(after.index().length - written, target.requests.length - requests, 'each scrape gave one');
});

test('a broken config at SIGHUP keeps the old one, a good one is taken over', async (context) => {
  const [old, other] = [await startGrowingTarget(context), await startGrowingTarget(context)];
  const loop = await startLoop(context, configOf(old.address));
  await until(() => old.requests.length > 0, 'a scrape');
  writeFileSync(join(loop.dir, 'pyro-pull.yml'), configOf(old.address, { 'scrape-interval': 'soon' }));
  loop.io.hangup();
  await until(() => loop.io.err().includes('the old one stays'), 'the refusal');
  assert.match(loop.io.err(), /"soon" is not a duration/);
  const soFar = old.requests.length;
  await until(() => old.requests.length > soFar, 'a scrape with the old config');

  writeFileSync(join(loop.dir, 'pyro-pull.yml'), configOf(other.address));
  loop.io.hangup();
  await until(() => other.requests.length > 1, 'scrapes of the new target');
  const last = old.requests.length;
  loop.io.signal('SIGTERM');
  assert.equal(await loop.ended, 0);
  assert.ok(old.requests.length <= last + 1);
});

test('--watch-config takes over a config that changes', async (context) => {
  const [old, other] = [await startGrowingTarget(context), await startGrowingTarget(context)];
  const loop = await startLoop(context, configOf(old.address), ['--watch-config']);
  await until(() => old.requests.length > 0, 'a scrape');
  writeFileSync(join(loop.dir, 'pyro-pull.yml'), configOf(other.address));
  await until(() => other.requests.length > 0, 'a scrape of the new target');
  loop.io.signal('SIGTERM');
  assert.equal(await loop.ended, 0);
});

test('a second signal ends the process at once', async (context) => {
  const target = await startFakeTarget(context, answers.never());
  const loop = await startLoop(context, configOf(target.address), ['--grace', '100ms']);
  await until(() => target.requests.length > 0, 'a scrape');
  loop.io.signal('SIGINT');
  loop.io.signal('SIGINT');
  assert.deepEqual(loop.io.exits, [130]);
  assert.equal(await loop.ended, 0, 'what hangs is cut off after the grace period');
});

for (const { flags, message } of [
  { flags: ['--once'], message: /--once and --loop/ },
  { flags: ['--window', '5s'], message: /--window and --loop/ },
]) {
  test(`${flags[0]} does not go with --loop`, async (context) => {
    const loop = await startLoop(context, configOf('h:1'), flags);
    assert.equal(await loop.ended, 2);
    assert.match(loop.io.err(), message);
  });
}
