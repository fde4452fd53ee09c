import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type GoService, start } from './parts/go-service.ts';
import { type JobOptions, writeConfig } from './support/config-file.ts';
import { during } from './support/during.ts';
import { describe } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { mustPull, scrapeInto, theOnly, type Written } from './support/pyro-pull.ts';
import { startRecordingProxy } from './support/recording-proxy.ts';

// A Go program says what it counted between two answers. A profile has these values, whether the program subtracted them
// or we did, and wherever the path of the request came from.

type Values = Readonly<Record<string, number>>;

const DELTA_HEAP = '/debug/pprof/delta_heap';
const DELTA_PATHS: readonly (readonly [where: string, labels: string, more: string])[] = [
  ['the profile of the config', '', `    profiles: {mem: {path: ${DELTA_HEAP}}}\n`],
  ['a label of the target', `        labels: {__profile_mem_path: ${DELTA_HEAP}}\n`, ''],
  [
    'a relabel rule of the job',
    '',
    `    relabel-configs: [{target-label: __profile_mem_path, replacement: ${DELTA_HEAP}}]\n`,
  ],
  [
    'a relabel rule of the profile',
    '',
    `    profiles: {mem: {relabel-configs: [{target-label: __profile_path__, replacement: ${DELTA_HEAP}}]}}\n`,
  ],
];

for (const [where, labels, more] of DELTA_PATHS) {
  test(`godeltaprof by ${where}: each answer is one interval of the program`, async (t) => {
    const service = await startService(t);
    const run = repeatedRun({ profiles: ['mem'], targets: [service.address], more: labels + more });
    await allocate(service, 5000);
    let written: Written[] = [];
    // The first run asks twice: nobody knows since when the first answer counts.
    for (const [nth, objects] of [0, 40, 7].entries()) {
      await allocate(service, objects);
      written = await run();
      const served = await service.served('delta_heap');
      assert.equal(served.length, nth + 2);
      const line = theOnly(written, 'mem');
      assert.equal(line['kind'], 'delta');
      const found = await describe(line.file);
      assert.deepEqual(allocated(found.totals), difference(served.at(-1)?.totals, served.at(-2)?.totals));
    }
    const { functions } = await describe(theOnly(written, 'mem').file);
    assert.equal(functions['main.allocDropped']?.['alloc_objects'], 7);
    assert.equal(functions['main.allocDropped']?.['alloc_space'], 7 * 512);
  });
}

test("a profile of the user's own on Go's heap, without sample-types, is what the program counted in the interval", async (t) => {
  const service = await startService(t);
  const more = '    profiles: {mem2: {path: /debug/pprof/heap, params: {gc: ["1"]}}}\n';
  const run = repeatedRun({ profiles: ['mem2'], targets: [service.address], more });
  await service.do('alloc?site=kept&n=30&size=64');
  await allocate(service, 5000);
  await run();
  for (const objects of [40, 7]) {
    await allocate(service, objects);
    const line = theOnly(await run(), 'mem2');
    assert.equal(line['kind'], 'delta');
    const found = await describe(line.file);
    const served = await service.served('heap');
    const [before, after] = served.slice(-2);
    assert.equal(after?.query, 'gc=1');
    assert.deepEqual(allocated(found.totals), difference(after?.totals, before?.totals));
    assert.deepEqual(inUse(found.totals), inUse(after?.totals ?? {}));
    assert.deepEqual(found.functions['main.allocDropped'], {
      alloc_objects: objects,
      alloc_space: objects * 512,
      inuse_objects: 0,
      inuse_space: 0,
    });
    assert.equal(found.functions['main.allocKept']?.['inuse_objects'], 30);
    assert.equal(found.functions['main.allocKept']?.['alloc_objects'], 0);
  }
});

test("a profile of the user's own on Go's mutexes is what the program counted, too", async (t) => {
  const service = await startService(t);
  const more = '    profiles: {locks: {path: /debug/pprof/mutex}}\n';
  const run = repeatedRun({ profiles: ['locks'], targets: [service.address], more });
  await service.do('contend?n=9');
  await run();
  await service.do('contend?n=4');
  const line = theOnly(await run(), 'locks');
  assert.equal(line['kind'], 'delta');
  const found = await describe(line.file);
  const [before, after] = (await service.served('mutex')).slice(-2);
  assert.deepEqual(found.totals, subtract(after?.totals, before?.totals));
  assert.equal(found.programFunctions['main.contendedUnlock']?.['contentions'], 4);
});

test("goroutines with seconds are Go's own difference, with its negative values, as the program sent it", async (t) => {
  const service = await startService(t);
  const { scrape, file } = await scrapeForSeconds(t, service, 'goroutines', 'goroutine');
  await service.do('park?n=17');
  await during(scrape(), () => service.isMeasuring());
  await service.do('unpark');
  const line = theOnly(await scrape(), 'goroutines');
  assert.equal(line['kind'], 'delta');
  assert.deepEqual(readFileSync(line.file), readFileSync(file()));
  assert.equal((await describe(line.file)).functions['main.parked']?.['goroutine'], -17);
});

test("heap with seconds is Go's own difference: what was allocated meanwhile, and no inuse columns", async (t) => {
  const service = await startService(t);
  const { scrape } = await scrapeForSeconds(t, service, 'mem', 'heap');
  await allocate(service, 5000);
  await during(scrape(), () => service.isMeasuring());
  await allocate(service, 40);
  const line = theOnly(await scrape(), 'mem');
  assert.equal(line['kind'], 'delta');
  assert.deepEqual((await describe(line.file)).functions['main.allocDropped'], {
    alloc_objects: 40,
    alloc_space: 40 * 512,
  });
});

test('seconds for all profiles of a job: each is written, none is malformed', async (t) => {
  const service = await startService(t);
  const profiles = ['goroutines', 'mem', 'mutex', 'threadcreate'];
  const more = '    params: {seconds: ["1"]}\n';
  const config = writeConfig({ profiles, targets: [service.address], more });
  const written = await scrapeInto(freshDirectory('out'), ['--config', config, '--write-empty']);
  assert.deepEqual(written.map(({ profile }) => profile).sort(), profiles);
  for (const line of written) assert.equal(line['kind'], 'delta');
});

test('what is a delta already is refused by the command delta', async (t) => {
  const service = await startService(t);
  const { scrape } = await scrapeForSeconds(t, service, 'mem', 'heap');
  await during(scrape(), () => service.isMeasuring());
  await allocate(service, 40);
  const { file } = theOnly(await scrape(), 'mem');
  await assert.rejects(
    mustPull(['delta', file, file, '-o', `${freshDirectory('delta')}/x.pb.gz`]),
    /ended with 1:[\s\S]*is a delta already: it has a duration of [\d.]+ s beside alloc_objects\/count/,
  );
});

async function startService(t: TestContext): Promise<GoService> {
  const service = await start();
  t.after(() => service.stop());
  return service;
}

/** Objects of 512 bytes, which are in the heap profile when this returns. */
async function allocate(service: GoService, objects: number): Promise<void> {
  await service.do(`alloc?site=dropped&n=${objects}&size=512`);
  await service.do('publish');
}

/** A one-shot run to be repeated, each run after what the one before it saved. */
function repeatedRun(job: JobOptions): () => Promise<Written[]> {
  const directory = freshDirectory('out');
  const state = freshDirectory('state');
  const config = writeConfig(job);
  return () => scrapeInto(directory, ['--config', config, '--state-dir', state, '--window', '200ms']);
}

/** A run that asks for two seconds of a profile, started by the first call, and what the program answered. */
async function scrapeForSeconds(t: TestContext, service: GoService, profile: string, endpoint: string) {
  const proxy = await startRecordingProxy(service.address);
  t.after(() => proxy.stop());
  const more = `    profiles: {${profile}: {params: {seconds: ["2"]}}}\n`;
  const config = writeConfig({ profiles: [profile], targets: [proxy.address], more });
  let started: Promise<Written[]> | undefined;
  return {
    scrape: () => {
      started ??= scrapeInto(freshDirectory('out'), ['--config', config]);
      return started;
    },
    file: () => {
      const [answer, ...others] = proxy.answers(`/debug/pprof/${endpoint}`);
      assert.ok(answer !== undefined);
      assert.equal(others.length, 0, 'asked once');
      return answer.file;
    },
  };
}

const allocated = ({ alloc_objects, alloc_space }: Values) => ({ alloc_objects, alloc_space });
const inUse = ({ inuse_objects, inuse_space }: Values) => ({ inuse_objects, inuse_space });
const difference = (after: Values = {}, before: Values = {}) => allocated(subtract(after, before));

function subtract(after: Values = {}, before: Values = {}): Values {
  return Object.fromEntries(Object.entries(after).map(([type, value]) => [type, value - (before[type] ?? 0)]));
}
