import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE, type RemoteWriteConfig } from '../../src/config/scrape-config.ts';
import { describePushEvent, type PushEvent } from '../../src/sinks/pyroscope/push-event.ts';
import { pushPaths } from '../../src/sinks/pyroscope/push-paths.ts';
import { createPyroscopeSink } from '../../src/sinks/pyroscope/pyroscope-sink.ts';
import { start as startGoService } from './parts/go-service.ts';
import { start as startPyroscope } from './parts/pyroscope.ts';
import { writeConfig } from './support/config-file.ts';
import { describe, totalOnStacks } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { scrapeInto, type Written } from './support/pyro-pull.ts';
import { PyroscopeQuery } from './support/pyroscope-query.ts';

// What a real server gives back over its query API has to be what the files of the same run hold: by sample type, in
// total and for every function.

const APIS = ['ingest', 'push'] as const;

/** First part of the profile type, by profile. */
const SERIES: Readonly<Record<string, string>> = {
  cpu: 'process_cpu',
  mem: 'memory',
  mutex: 'mutex',
  block: 'block',
  goroutines: 'goroutines',
};

test('a server gives back what was pushed to it over each API', async (t) => {
  const server = await startPyroscope();
  t.after(() => server.stop());
  const query = new PyroscopeQuery(server.url);
  const { directory, written } = await scrapeGoService(t);

  for (const api of APIS) {
    const service = `shop-${api}`;
    await push(server.url, api, [directory], service);
    for (const line of written) {
      const file = await describe(line.file);
      for (const sampleType of line.sampleTypes) {
        const profileType = await profileTypeOf(query, line.profile, sampleType);
        const readBack = await describe(await query.merged(service, profileType));
        const what = `${api} ${profileType}`;
        const name = nameOf(sampleType);
        assert.equal(await query.total(service, profileType), file.totals[name], what);
        assert.deepEqual(readBack.totals, { [name]: totalOnStacks(file, name) }, what);
        assert.deepEqual(unequal(columnOf(readBack.functions, name), columnOf(file.functions, name)), [], what);
      }
    }
  }
});

test('both APIs make the same series', async (t) => {
  const server = await startPyroscope();
  t.after(() => server.stop());
  const query = new PyroscopeQuery(server.url);
  const { directory } = await scrapeGoService(t);
  const series = [];
  for (const api of APIS) {
    await push(server.url, api, [directory], `shop-${api}`);
    const own = await query.series(`shop-${api}`);
    series.push(own.map((labels) => JSON.stringify(labels).replaceAll(`shop-${api}`, 'shop')).sort());
  }
  assert.ok((series[0]?.length ?? 0) >= 9, `${series[0]?.length} series`);
  assert.deepEqual(series[0], series[1]);
});

test('the server takes every label that we let through', async (t) => {
  const server = await startPyroscope();
  t.after(() => server.stop());
  const query = new PyroscopeQuery(server.url);
  const { directory } = await scrapeGoService(t);
  for (const api of APIS) {
    const service = `odd, }{ "ü" ${api}`;
    await push(server.url, api, [directory], service, { odd: 'a,b}c{d="e"', pod: 'Ж' });
  }
  const [ingested] = await query.series('odd_________ingest');
  assert.equal(ingested?.['odd'], 'a_b_c{d="e"');
  const [pushed] = await query.series('odd, }{ \\"ü\\" push');
  assert.equal(pushed?.['odd'], 'a,b}c{d="e"');
});

/** A directory that `scrape` wrote: every profile of a Go service that did known work. */
async function scrapeGoService(t: TestContext): Promise<{ directory: string; written: Written[] }> {
  const service = await startGoService({ flags: ['-load=0.3'] });
  t.after(() => service.stop());
  const profiles = ['cpu', 'mem', 'goroutines', 'mutex', 'block'];
  const more = '    profiles: {cpu: {params: {seconds: ["1"]}}}\n';
  const config = writeConfig({ profiles, targets: [service.address], more });
  await service.do('alloc?site=kept&n=300&size=64');
  await service.do('park?n=17');
  await service.do('publish');
  const directory = freshDirectory('out');
  const scraping = scrapeInto(directory, ['--config', config, '--window', '3s']);
  for (const endpoint of ['heap', 'mutex', 'block']) {
    while ((await service.served(endpoint)).length === 0) await sleep(20);
  }
  await service.do('alloc?site=dropped&n=2000&size=1024');
  await service.do('contend?n=20');
  await service.do('block?n=30');
  await service.do('publish');
  const written = await scraping;
  assert.deepEqual(written.map(({ profile }) => profile).sort(), [...profiles].sort());
  return { directory, written };
}

async function push(
  url: string,
  api: RemoteWriteConfig['api'],
  paths: readonly string[],
  service: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const events: PushEvent[] = [];
  const remote: RemoteWriteConfig = {
    url,
    name: api,
    api,
    tenantId: undefined,
    headers: new Map(),
    timeoutMs: 10_000,
    tags: new Map(),
    writeRelabelRules: [],
    http: DEFAULT_HTTP_CLIENT,
    queue: DEFAULT_QUEUE,
    limits: DEFAULT_PUSH_LIMITS,
  };
  const sink = await createPyroscopeSink(remote, {
    queueRoot: freshDirectory('queue'),
    http: { userAgent: 'pyro-pull/interop' },
    onEvent: (event) => events.push(event),
  });
  const all = new Map([...Object.entries(labels), ['service_name', service]]);
  const [summary] = await pushPaths(
    paths,
    [sink],
    { labels: all, retryRejected: false, deadlineMs: 30_000 },
    (failure) => assert.fail(`${failure.name}: ${failure.error.message}`),
  );
  await sink.close();
  const told = events.filter((event) => event.type !== 'accepted').map((event) => describePushEvent(event).message);
  assert.deepEqual(told, []);
  assert.deepEqual([summary?.rejected, summary?.failed, summary?.left], [0, 0, 0]);
}

async function profileTypeOf(query: PyroscopeQuery, profile: string, sampleType: unknown): Promise<string> {
  const start = `${SERIES[profile]}:${nameOf(sampleType)}:`;
  const types = await query.profileTypes();
  const found = types.filter((type) => type.startsWith(start));
  assert.equal(found.length, 1, `${start} among ${types.join(', ')}`);
  return found[0] ?? '';
}

function nameOf(sampleType: unknown): string {
  assert.ok(typeof sampleType === 'object' && sampleType !== null && 'type' in sampleType);
  assert.ok(typeof sampleType.type === 'string');
  return sampleType.type;
}

/** One column of the sums by function, without the functions that have none of it. */
function columnOf(functions: Readonly<Record<string, Readonly<Record<string, number>>>>, name: string) {
  const column = new Map<string, number>();
  for (const [fn, values] of Object.entries(functions)) {
    // The server leaves out what Go's compiler says of type parameters, on purpose.
    const shown = fn.replace(/\[go\.shape\..*\]/, '[...]');
    if (values[name]) column.set(shown, (column.get(shown) ?? 0) + values[name]);
  }
  return column;
}

/** What differs, rather than two columns of hundreds of functions. */
function unequal(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): string[] {
  assert.ok(expected.size > 0);
  return [...new Set([...actual.keys(), ...expected.keys()])]
    .filter((fn) => actual.get(fn) !== expected.get(fn))
    .map((fn) => `${fn}: ${actual.get(fn)} instead of ${expected.get(fn)}`);
}
