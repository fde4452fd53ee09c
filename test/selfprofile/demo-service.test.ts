import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { type DemoService, demoScrapeConfigText, startDemoService } from '../../src/selfprofile/demo-service.ts';
import { type ReadProfile, readProfile } from '../support/read-profile.ts';
import { stacksOf } from '../support/stacks-of.ts';

let service: DemoService;
before(async () => {
  service = await startDemoService();
});
after(() => service.close());

async function fetchProfile(path: string): Promise<ReadProfile> {
  const response = await fetch(`http://${service.address}${path}`);
  assert.equal(response.status, 200);
  return readProfile(gunzipSync(Buffer.from(await response.arrayBuffer())));
}

/** Sum of a column over the stacks that have the function. */
function totalOf(profile: ReadProfile, column: number, name = ''): bigint {
  const stacks = Object.entries(stacksOf(profile));
  return stacks.reduce((sum, [stack, values]) => (stack.includes(name) ? sum + (values[column] ?? 0n) : sum), 0n);
}

test('listens on a free port of loopback', () => {
  assert.match(service.address, /^127\.0\.0\.1:[1-9]\d+$/);
});

test('is under a load of its own', async () => {
  while (service.requests() < 20) await sleep(10);
});

test('serves pages of its own too', async () => {
  const response = await fetch(`http://${service.address}/products?q=teapot`);
  assert.match(await response.text(), /Teapot/);
  assert.equal((await fetch(`http://${service.address}/nowhere`)).status, 404);
});

test('serves a CPU profile of the shop alone, one at a time', async () => {
  // What this thread does meanwhile must not be in it.
  const timer = setInterval(burnInTheScraper, 30);
  // The load gives way on a busy machine, so this visits the shop for as long as the profile takes.
  let isTaken = false;
  const visits = visitWhile(() => !isTaken);
  const [profile, second] = await Promise.all([
    fetchProfile('/debug/pprof/profile?seconds=2'),
    fetch(`http://${service.address}/debug/pprof/profile?seconds=1`),
  ]).finally(() => {
    isTaken = true;
    clearInterval(timer);
  });
  await visits;
  assert.equal(second.status, 500);
  assert.equal(await second.text(), 'Could not enable CPU profiling: cpu profiling already in use\n');
  assert.ok(totalOf(profile, 1, 'renderProductPage') > 0n);
  assert.equal(totalOf(profile, 1, 'burnInTheScraper'), 0n);
});

test('leaves most of a core alone', async () => {
  const profile = await fetchProfile('/debug/pprof/profile?seconds=1');
  // The load allows itself 0.35; starting the profiler is in it, too.
  const share = Number(totalOf(profile, 1)) / Number(profile.durationNanos);
  assert.ok(share < 0.6, `${share} of a core`);
});

async function visitWhile(isWanted: () => boolean): Promise<void> {
  while (isWanted()) await (await fetch(`http://${service.address}/products?q=a`)).arrayBuffer();
}

function burnInTheScraper(): void {
  for (const end = performance.now() + 10; performance.now() < end; );
}

test('serves an allocation profile that only grows', async () => {
  const first = await fetchProfile('/debug/pprof/heap');
  const requests = service.requests();
  while (service.requests() < requests + 50) await sleep(10);
  const second = await fetchProfile('/debug/pprof/heap');
  assert.deepEqual(first.sampleTypes, [{ type: 'alloc_space', unit: 'bytes' }]);
  assert.ok(totalOf(second, 0, 'rankBySimilarity') > totalOf(first, 0, 'rankBySimilarity'));
  const after = stacksOf(second);
  for (const [stack, [bytes = 0n]] of Object.entries(stacksOf(first))) {
    assert.ok((after[stack]?.[0] ?? 0n) >= bytes, stack);
  }
});

test('ends when it is closed', async () => {
  const other = await startDemoService();
  await other.close();
  await assert.rejects(fetch(`http://${other.address}/products`));
});

test('rejects when it cannot listen', async () => {
  await assert.rejects(startDemoService({ port: Number(service.address.split(':')[1]) }), { code: 'EADDRINUSE' });
});

test('has a scrape config that names it', () => {
  const config: unknown = parse(demoScrapeConfigText('127.0.0.1:4040'));
  assert.deepEqual(config, {
    'scrape-configs': [
      {
        'job-name': 'demo',
        'scrape-interval': '5s',
        'enabled-profiles': ['cpu', 'mem'],
        profiles: { cpu: { params: { seconds: ['5'] } } },
        'static-configs': [{ application: 'pyro-pull-demo', 'spy-name': 'nodespy', targets: ['127.0.0.1:4040'] }],
      },
    ],
  });
});
