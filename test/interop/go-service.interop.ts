import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildProfile } from '../support/build-profile.ts';
import { type GoService, type GoServiceOptions, start } from './parts/go-service.ts';
import { type JobOptions, writeConfig } from './support/config-file.ts';
import { during } from './support/during.ts';
import { describe, differences } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { readIndex, scrapeInto, theOnly, type Written } from './support/pyro-pull.ts';
import { type RecordingProxy, startRecordingProxy } from './support/recording-proxy.ts';

// The service does known work, counts it, and keeps what the runtime's counters said at each profile that it sent. So
// its own count of the work must be found in the delta, at the function that did it, and the delta as a whole must be
// the difference of the runtime's counters, to the last object, byte and nanosecond.

const SNAPSHOTS = ['mem', 'goroutines', 'mutex', 'block'];
const ENDPOINTS: Readonly<Record<string, string>> = {
  mem: 'heap',
  goroutines: 'goroutine',
  mutex: 'mutex',
  block: 'block',
};
const CUMULATIVE = new Set(['alloc_objects', 'alloc_space', 'contentions', 'delay']);

type Values = Readonly<Record<string, number>>;

test('the delta of two runs is the work done between them, by the count of the program', async (t) => {
  const service = await startService(t);
  const run = repeatedRun({ profiles: SNAPSHOTS, targets: [service.address] });
  await service.do('alloc?site=kept&n=300&size=64');
  await service.do('contend?n=3');
  await service.do('publish');
  await run();

  await service.do('alloc?site=kept&n=1000&size=500');
  await service.do('alloc?site=dropped&n=700&size=5000');
  await service.do('contend?n=20');
  await service.do('block?n=30');
  await service.do('park?n=17');
  await service.do('publish');
  const written = await run();

  // 500 bytes take 512, 5000 take 5376; the kept objects of before are still in use.
  assert.deepEqual(await ofFunction(written, 'mem', 'main.allocKept'), {
    alloc_objects: 1000,
    alloc_space: 512_000,
    inuse_objects: 1300,
    inuse_space: 512_000 + 300 * 64,
  });
  assert.deepEqual(await ofFunction(written, 'mem', 'main.allocDropped'), {
    alloc_objects: 700,
    alloc_space: 700 * 5376,
    inuse_objects: 0,
    inuse_space: 0,
  });
  assert.equal((await ofFunction(written, 'mutex', 'main.contendedUnlock'))?.['contentions'], 20);
  assert.equal((await ofFunction(written, 'block', 'main.waitForMutex'))?.['contentions'], 20);
  assert.equal((await ofFunction(written, 'block', 'main.waitForSender'))?.['contentions'], 30);
  assert.equal((await ofFunction(written, 'goroutines', 'main.parked'))?.['goroutine'], 17);
  const counters = await service.counters();
  assert.deepEqual(counters.allocs, {
    'main.allocKept': { objects: 1300, bytes: 512_000 + 300 * 64 },
    'main.allocDropped': { objects: 700, bytes: 700 * 5376 },
  });
  for (const profile of SNAPSHOTS) await assertServed(service, written, profile);
});

test('the delta of one run is the work done inside its window', async (t) => {
  const service = await startService(t);
  await service.do('alloc?site=kept&n=300&size=64');
  await service.do('contend?n=5');
  await service.do('publish');

  const written = await scrapeAround(t, service, SNAPSHOTS, async () => {
    await service.do('alloc?site=dropped&n=4321&size=1024');
    await service.do('contend?n=11');
    await service.do('block?n=13');
    await service.do('publish');
  });

  const allocated = await ofFunction(written, 'mem', 'main.allocDropped');
  assert.equal(allocated?.['alloc_objects'], 4321);
  assert.equal(allocated?.['alloc_space'], 4321 * 1024);
  const kept = await ofFunction(written, 'mem', 'main.allocKept');
  assert.deepEqual(kept, { alloc_objects: 0, alloc_space: 0, inuse_objects: 300, inuse_space: 300 * 64 });
  assert.equal((await ofFunction(written, 'mutex', 'main.contendedUnlock'))?.['contentions'], 11);
  assert.equal((await ofFunction(written, 'block', 'main.waitForSender'))?.['contentions'], 13);
  for (const profile of SNAPSHOTS) await assertServed(service, written, profile);
});

test('runs adjoin: each interval starts where the one before it ended, and none is counted twice', async (t) => {
  const service = await startService(t);
  const run = repeatedRun({ profiles: ['mem', 'mutex'], targets: [service.address] }, ['--write-empty']);
  await service.do('publish');
  let earlier = await run();
  for (const n of [100, 0, 300]) {
    await service.do(`alloc?site=dropped&n=${n}&size=256`);
    await service.do('publish');
    const later = await run();
    for (const profile of ['mem', 'mutex']) {
      assert.equal(theOnly(later, profile).from, theOnly(earlier, profile).until);
      await assertServed(service, later, profile);
    }
    const allocated = await ofFunction(later, 'mem', 'main.allocDropped');
    assert.equal(allocated?.['alloc_objects'] ?? 0, n);
    earlier = later;
  }
});

test('memory that was given back leaves the inuse columns and takes nothing from the alloc columns', async (t) => {
  const service = await startService(t);
  const run = repeatedRun({ profiles: ['mem'], targets: [service.address] });
  await service.do('alloc?site=kept&n=5000&size=1024');
  await service.do('publish');
  await run();
  await service.do('free');
  await service.do('publish');
  const written = await run();
  assert.equal(await ofFunction(written, 'mem', 'main.allocKept'), undefined);
  await assertServed(service, written, 'mem');
});

// Each row is a restart between two runs. The plain one is seen by counters that fell. After the others every counter is
// higher than before it, and only the build id or the moved addresses tell that the process is another.
const restarts: { name: string; before: GoServiceOptions; after: GoServiceOptions; grown: boolean }[] = [
  { name: 'a restart', before: {}, after: {}, grown: false },
  { name: 'a restart of a PIE', before: { build: 'pie' }, after: { build: 'pie' }, grown: false },
  {
    name: 'a restart of a PIE that has outgrown itself',
    before: { build: 'pie' },
    after: { build: 'pie' },
    grown: true,
  },
  { name: 'another build that has outgrown the first', before: {}, after: { build: 'rebuilt' }, grown: true },
];

for (const { name, before, after, grown } of restarts) {
  test(`${name}: no negative value, and all that the new process did`, async (t) => {
    const old = await startService(t, before);
    const { address } = old;
    const run = repeatedRun({ profiles: SNAPSHOTS, targets: [address] });
    const [less, more] = grown ? [1, 30] : [30, 1];
    await work(old, less);
    await run();
    await work(old, less);
    await old.stop();

    const service = await startService(t, { ...after, listen: address });
    await work(service, more);
    const written = await run();

    for (const profile of ['mem', 'mutex', 'block']) {
      assert.equal(theOnly(written, profile).reset, true, `${profile} is marked as a reset`);
      const found = await describe(theOnly(written, profile).file);
      const [first, ...others] = await service.served(ENDPOINTS[profile] ?? '');
      assert.equal(others.length, 0);
      assert.deepEqual(found.totals, first?.totals);
      assert.ok(found.lowest >= 0);
    }
    assert.equal((await ofFunction(written, 'mem', 'main.allocDropped'))?.['alloc_objects'], more * 100);
    assert.equal((await ofFunction(written, 'mutex', 'main.contendedUnlock'))?.['contentions'], more);
    assert.equal((await ofFunction(written, 'block', 'main.waitForSender'))?.['contentions'], more);
  });
}

test('godeltaprof endpoints: one interval, taken as the target made it', async (t) => {
  const service = await startService(t);
  const more = '    use-delta-profiles: true\n';
  await work(service, 7); // all of it before the first request

  const written = await scrapeAround(
    t,
    service,
    ['mem', 'mutex', 'block'],
    async () => {
      await service.do('alloc?site=kept&n=250&size=128');
      await work(service, 4);
    },
    more,
  );

  const heap = await service.served('delta_heap');
  assert.equal(heap.length, 2, 'one request to open the interval, one to end it');
  const found = await describe(theOnly(written, 'mem').file);
  assert.deepEqual(found.totals, subtract(heap[1]!.totals, heap[0]!.totals));
  const kept = await ofFunction(written, 'mem', 'main.allocKept');
  assert.deepEqual(kept, { alloc_objects: 250, alloc_space: 32_000, inuse_objects: 250, inuse_space: 32_000 });
  for (const [profile, site] of [
    ['mutex', 'main.contendedUnlock'],
    ['block', 'main.waitForSender'],
  ] as const) {
    const [first, second] = await service.served(`delta_${profile}`);
    const values = await ofFunction(written, profile, site);
    assert.equal(values?.['contentions'], 4);
    assert.deepEqual(values, subtract(second!.sites[site]!, first!.sites[site]!));
  }
});

test('a profile that the target measures during the request is written as it was sent', async (t) => {
  const service = await startService(t, { flags: ['-load=0.3'] });
  const proxy = await startRecordingProxy(service.address);
  t.after(() => proxy.stop());
  const config = writeConfig({
    profiles: ['cpu', 'mutex'],
    targets: [proxy.address],
    more: '    profiles: {cpu: {params: {seconds: ["1"]}}, mutex: {params: {seconds: ["2"]}}}\n',
  });
  const scrape = scrapeInto(freshDirectory('out'), ['--config', config]);
  await during(scrape, () => service.isMeasuring());
  await service.do('contend?n=40');
  const written = await scrape;

  for (const [profile, endpoint] of [
    ['cpu', 'profile'],
    ['mutex', 'mutex'],
  ] as const) {
    const answers = proxy.answers(`/debug/pprof/${endpoint}`);
    assert.equal(answers.length, 1);
    assert.deepEqual(await differences(theOnly(written, profile).file, answers[0]!.file), []);
  }
  assert.ok((await describe(theOnly(written, 'cpu').file)).totals['samples']! > 0);
  const contended = await ofFunction(written, 'mutex', 'main.contendedUnlock');
  assert.ok((contended?.['contentions'] ?? 0) > 0);
});

test("contentions of the runtime's own locks are not counted as the program's", async () => {
  const unlocking = { lines: [{ name: 'main.contendedUnlock' }] };
  const file = join(freshDirectory('runtime-lock'), 'mutex.pb.gz');
  const profile = buildProfile({
    sampleTypes: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    samples: [
      { stack: [{ lines: [{ name: 'sync.(*Mutex).Unlock' }] }, unlocking], values: [30n, 900n] },
      {
        stack: [{ lines: [{ name: 'runtime.unlock' }, { name: 'runtime.wakep' }] }, unlocking],
        values: [1n, 7n],
      },
    ],
  });
  writeFileSync(file, gzipSync(profile));
  const { functions, programFunctions } = await describe(file);
  assert.deepEqual(functions['main.contendedUnlock'], { contentions: 31, delay: 907 });
  assert.deepEqual(programFunctions['main.contendedUnlock'], { contentions: 30, delay: 900 });
});

test('an address on the command line needs no config', async (t) => {
  const service = await startService(t);
  const proxy = await startHoldingProxy(t, service);
  const args = [proxy.address, '--profile', 'mem', '--profile', 'goroutines', '--window', '1s'];
  const scrape = scrapeInto(freshDirectory('out'), [...args, '--label', 'service_name=shop', '--label', 'env=interop']);
  await during(scrape, () => hasServed(service, ['heap']));
  await service.do('alloc?site=dropped&n=99&size=256');
  await service.do('publish');
  proxy.release();
  const written = await scrape;
  assert.equal((await ofFunction(written, 'mem', 'main.allocDropped'))?.['alloc_objects'], 99);
  for (const profile of ['mem', 'goroutines']) await assertServed(service, written, profile);
  for (const { path, labels } of written) {
    assert.match(path, /^cli\/shop\//);
    assert.equal(labels['env'], 'interop');
  }
});

test('a target that is down fails alone', async (t) => {
  const service = await startService(t);
  const gone = await start();
  await gone.stop();
  const directory = freshDirectory('out');
  const config = writeConfig({ profiles: ['goroutines'], targets: [gone.address, service.address] });
  await assert.rejects(scrapeInto(directory, ['--config', config]), /ended with 1:[\s\S]*connection refused/i);

  const [line, ...others] = readIndex(directory);
  assert.equal(others.length, 0);
  assert.ok(line !== undefined);
  assert.ok(line.url.includes(service.address));
  assert.equal((await describe(join(directory, line.path))).lowest, 0);
});

/** Starts a service that lasts as long as the test. */
async function startService(t: TestContext, options: GoServiceOptions = {}): Promise<GoService> {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

/** A one-shot run to be repeated, each run against the snapshots that the one before left. */
function repeatedRun(job: JobOptions, flags: readonly string[] = []): () => Promise<Written[]> {
  const directory = freshDirectory('out');
  const state = freshDirectory('state');
  const config = writeConfig(job);
  return () => scrapeInto(directory, ['--config', config, '--state-dir', state, '--window', '200ms', ...flags]);
}

function startHoldingProxy(t: TestContext, service: GoService): Promise<RecordingProxy> {
  return startRecordingProxy(service.address, { holdsSecond: true }).then((proxy) => {
    t.after(() => proxy.stop());
    return proxy;
  });
}

/** One run whose first snapshots are taken before some work, and its second ones after it, however long the work takes. */
async function scrapeAround(
  t: TestContext,
  service: GoService,
  profiles: readonly string[],
  work: () => Promise<void>,
  more = '',
): Promise<Written[]> {
  const proxy = await startHoldingProxy(t, service);
  const patience = '    scrape-interval: 5m\n    scrape-timeout: 4m\n';
  const config = writeConfig({ profiles, targets: [proxy.address], more: patience + more });
  const scrape = scrapeInto(freshDirectory('out'), ['--config', config, '--window', '200ms']);
  const cumulative = profiles.filter((profile) => profile !== 'goroutines');
  const prefix = more.includes('use-delta-profiles') ? 'delta_' : '';
  await during(scrape, () =>
    hasServed(
      service,
      cumulative.map((profile) => `${prefix}${ENDPOINTS[profile]}`),
    ),
  );
  await work();
  proxy.release();
  return scrape;
}

/** Work of which every cumulative profile has something to tell. */
async function work(service: GoService, n: number): Promise<void> {
  await service.do(`alloc?site=dropped&n=${n * 100}&size=2048`);
  await service.do(`contend?n=${n}`);
  await service.do(`block?n=${n}`);
  await service.do('publish');
}

/** Whether each of the endpoints has sent a profile. */
async function hasServed(service: GoService, endpoints: readonly string[]): Promise<boolean> {
  const lists = await Promise.all(endpoints.map((endpoint) => service.served(endpoint)));
  return lists.every((list) => list.length > 0);
}

/**
 * Sums of the samples with a function on their stack; undefined where there is none. Contentions of the runtime's own locks
 * are left out: Go counts them at whatever function ran, and the program can't know how many there were.
 */
async function ofFunction(written: readonly Written[], profile: string, name: string): Promise<Values | undefined> {
  return (await describe(theOnly(written, profile).file)).programFunctions[name];
}

/** The file of a profile is the difference of what the service counted at the last two profiles it sent. */
async function assertServed(service: GoService, written: readonly Written[], profile: string): Promise<void> {
  const line = theOnly(written, profile);
  const found = await describe(line.file);
  const list = await service.served(ENDPOINTS[profile] ?? '');
  const later = list.at(-1);
  assert.ok(later !== undefined);
  assert.deepEqual(found.totals, subtract(later.totals, list.at(-2)?.totals ?? {}), profile);
  assert.equal(line.reset, false);
  assert.equal(line.samples, found.samples);
  assert.equal(found.lowest, 0);
  if (profile === 'goroutines') return;
  const { zeroSamples, duplicateSamples, unusedLocations, unusedFunctions } = found;
  assert.deepEqual([zeroSamples, duplicateSamples, unusedLocations, unusedFunctions], [0, 0, 0, 0], profile);
  assert.equal(Date.parse(line.until), Number(found.timeNanos / 1_000_000n));
  const seconds = (Date.parse(line.until) - Date.parse(line.from)) / 1000;
  assert.ok(Math.abs(found.durationNanos / 1e9 - seconds) < 0.002, `${found.durationNanos} ns are not ${seconds} s`);
}

/** Cumulative values of `later` less those of `earlier`, all others as they are. */
function subtract(later: Values, earlier: Values): Values {
  const entries = Object.entries(later);
  return Object.fromEntries(
    entries.map(([type, value]) => [type, value - (CUMULATIVE.has(type) ? (earlier[type] ?? 0) : 0)]),
  );
}
