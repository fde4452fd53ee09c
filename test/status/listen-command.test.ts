import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { buildProfile } from '../support/build-profile.ts';
import { answers, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { GoHeap } from '../support/go-heap.ts';
import { type PlainAnswer, plainRequest } from '../support/http-request.ts';
import { type MemoryIo, memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A heap that grows with each request. */
async function startGrowingTarget(t: TestContext): Promise<FakeTarget> {
  const heap = new GoHeap({ samples: 20 });
  return startFakeTarget(t, (request, response) => {
    heap.advance({ changed: 0.5 });
    answers.profile(gzipSync(buildProfile(heap.snapshot())))(request, response);
  });
}

function configOf(address: string, jobName = 'shop'): string {
  const job = {
    'job-name': jobName,
    'scrape-interval': '1s',
    'enabled-profiles': ['mem'],
    'static-configs': [{ application: 'shop', targets: [address] }],
  };
  return JSON.stringify({ 'scrape-configs': [job] });
}

interface Running {
  readonly io: MemoryIo;
  readonly dir: string;
  readonly port: number;
  readonly ended: Promise<number>;
  ask(path: string, method?: string): Promise<PlainAnswer>;
}

async function startListening(t: TestContext, text: string, flags: readonly string[] = []): Promise<Running> {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), text);
  const io = memoryIo({ cwd: dir });
  const ended = run(['scrape', '--loop', '--listen', ':0', ...flags], io);
  const port = await until(() => /listening on http:\/\/127\.0\.0\.1:(\d+)\/targets/.exec(io.err())?.[1], 'listening');
  return {
    io,
    dir,
    port: Number(port),
    ended,
    ask: (path, method) => plainRequest(Number(port), path, { method: method ?? 'GET' }),
  };
}

/** What `look` gives as soon as it gives something, within ten seconds. */
async function until<Found>(look: () => Found | undefined | Promise<Found | undefined>, what: string): Promise<Found> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`${what} did not happen`);
}

test('a loop tells what it does, from ready to gone', async (t) => {
  const target = await startGrowingTarget(t);
  const loop = await startListening(t, configOf(target.address));
  await until(async () => ((await loop.ask('/-/ready')).status === 200 ? true : undefined), 'ready');
  const scraped = /^pyro_pull_scrapes_total\{job="shop",profile="mem",outcome="finished"\} [1-9]/m;
  await until(async () => (scraped.test((await loop.ask('/metrics')).text) ? true : undefined), 'a counted scrape');
  const { data } = JSON.parse((await loop.ask('/api/v1/targets')).text);
  const [active] = data.activeTargets;
  assert.deepEqual([active.health, active.lastError, active.scrapePool], ['up', '', 'shop']);
  assert.equal(active.scrapeUrl, `http://${target.address}/debug/pprof/heap`);
  assert.ok(active.lastScrapeDuration > 0);
  const { jobs } = JSON.parse((await loop.ask('/page/overview.json')).text);
  const [row] = jobs[0].rows;
  // There is no next slot while a scrape is under way.
  assert.ok(row.bytes > 100 && (row.isScraping || row.nextMs > row.lastScrapeMs), JSON.stringify(row));
  loop.io.signal('SIGTERM');
  assert.equal(await loop.ended, 0);
  await assert.rejects(loop.ask('/-/healthy'), /ECONNREFUSED/);
});

test('POST /-/reload takes over the config file, or tells why not', async (t) => {
  const target = await startGrowingTarget(t);
  const loop = await startListening(t, configOf(target.address));
  writeFileSync(join(loop.dir, 'pyro-pull.yml'), configOf(target.address, 'renamed'));
  assert.equal((await loop.ask('/-/reload', 'POST')).status, 200);
  const names = JSON.parse((await loop.ask('/page/overview.json')).text).jobs.map((job: { name: string }) => job.name);
  assert.deepEqual(names, ['renamed']);
  writeFileSync(join(loop.dir, 'pyro-pull.yml'), 'scrape-configs: 1');
  const { status, text } = await loop.ask('/-/reload', 'POST');
  assert.equal(status, 500);
  assert.match(text, /pyro-pull\.yml:1:17: scrape-configs: /);
  assert.match((await loop.ask('/metrics')).text, /^pyro_pull_config_last_reload_successful 0$/m);
  loop.io.signal('SIGTERM');
  await loop.ended;
});

test('the queue of a remote that is away is told', async (t) => {
  const target = await startGrowingTarget(t);
  const away = await startFakeTarget(t, answers.status(503, 'closed for today'));
  const loop = await startListening(t, configOf(target.address), ['--push', away.url, '--grace', '0s']);
  const waits = async () => {
    const [, bytes] = /^pyro_pull_queue_bytes\{remote="[^"]+"\} (\d+)$/m.exec((await loop.ask('/metrics')).text) ?? [];
    return Number(bytes) > 0 ? true : undefined;
  };
  await until(waits, 'a queue');
  const failed = async () => {
    const [remote] = JSON.parse((await loop.ask('/page/overview.json')).text).remotes;
    return remote.lastFailure === undefined ? undefined : remote;
  };
  const remote = await until(failed, 'a failure');
  assert.match(remote.lastFailure, /503/);
  assert.ok(remote.queued > 0 && remote.url.startsWith(away.url));
  loop.io.signal('SIGTERM');
  await loop.ended;
});

for (const { flags, message } of [
  {
    flags: ['--loop', '--listen', '9099'],
    message: /"9099" is not an address with a port\n {2}:9099 listens on loopback/,
  },
  { flags: ['--listen', ':9099'], message: /--listen goes with --loop only/ },
]) {
  test(`${flags.join(' ')} is wrong usage`, async (t) => {
    const io = memoryIo({ cwd: temporaryDirectory(t) });
    assert.equal(await run(['scrape', 'localhost:1', ...flags], io), 2);
    assert.match(io.err(), message);
  });
}

test('a port that is taken ends the command before anything is scraped', async (t) => {
  const target = await startGrowingTarget(t);
  const io = memoryIo({ cwd: temporaryDirectory(t) });
  assert.equal(await run(['scrape', target.address, '--loop', '--listen', target.address], io), 2);
  assert.match(io.err(), new RegExp(`--listen ${target.address}: something listens there already`));
  assert.equal(target.requests.length, 0);
});
