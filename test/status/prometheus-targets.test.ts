import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScrapeError } from '../../src/errors.ts';
import { prometheusTargets } from '../../src/status/prometheus-targets.ts';
import { FakeLoop, STARTED_MS } from '../support/fake-loop.ts';

const ALL = { state: undefined, scrapePool: undefined };

async function loopOfTwoJobs(): Promise<FakeLoop> {
  const loop = new FakeLoop();
  const relabel = [{ 'source-labels': ['env'], regex: 'dev', action: 'drop' }];
  const written = { 'scrape-interval': '15s', 'enabled-profiles': ['mem'], 'relabel-configs': relabel };
  const targets = [
    { __address__: 'a:1', env: 'prod' },
    { __address__: 'c:1', env: 'dev' },
  ];
  await loop.addJob({ ...written, 'job-name': 'shop' }, targets);
  await loop.addJob({ ...written, 'job-name': 'other' }, targets);
  return loop;
}

test('a target looks as in Prometheus, field by field', async () => {
  const loop = await loopOfTwoJobs();
  const [job] = loop.shownJobs;
  assert.deepEqual(JSON.parse([...prometheusTargets([job!], { ...ALL, state: 'active' }, 'here')].join('')), {
    status: 'success',
    data: {
      activeTargets: [
        {
          discoveredLabels: {
            __address__: 'a:1',
            __name__: 'shop',
            __scheme__: 'http',
            __scrape_interval__: '15s',
            __scrape_timeout__: '15s',
            env: 'prod',
            job: 'shop',
          },
          labels: { __name__: 'shop', env: 'prod', instance: 'a:1', job: 'shop' },
          scrapePool: 'shop',
          scrapeUrl: 'http://a:1/debug/pprof/heap',
          globalUrl: 'http://a:1/debug/pprof/heap',
          lastError: '',
          lastScrape: new Date(STARTED_MS + 60_000).toISOString(),
          lastScrapeDuration: 0.0125,
          health: 'up',
          scrapeInterval: '15s',
          scrapeTimeout: '15s',
        },
      ],
      droppedTargets: [],
      droppedTargetCounts: { shop: 1 },
    },
  });
});

interface Answer {
  readonly data: {
    readonly activeTargets: readonly Readonly<Record<string, unknown>>[];
    readonly droppedTargets: readonly { readonly discoveredLabels: object; readonly scrapePool: string }[];
    readonly droppedTargetCounts: object;
  };
}

/** As a client reads it. */
function answerOf(
  loop: FakeLoop,
  query: Partial<typeof ALL> | { state?: string; scrapePool?: string },
  host = 'h',
): Answer {
  return JSON.parse([...prometheusTargets(loop.shownJobs, { ...ALL, ...query }, host)].join(''));
}

for (const { state, active, dropped } of [
  { state: 'any', active: 2, dropped: 2 },
  { state: 'active', active: 2, dropped: 0 },
  { state: 'dropped', active: 0, dropped: 2 },
  { state: 'nonsense', active: 2, dropped: 2 },
]) {
  test(`state=${state}`, async () => {
    const { data } = answerOf(await loopOfTwoJobs(), { state });
    assert.equal(data.activeTargets.length, active);
    assert.equal(data.droppedTargets.length, dropped);
    assert.deepEqual(data.droppedTargetCounts, { shop: 1, other: 1 });
  });
}

test('scrapePool takes one job', async () => {
  const { data } = answerOf(await loopOfTwoJobs(), { scrapePool: 'other' });
  assert.deepEqual(
    data.activeTargets.map((target) => target['scrapePool']),
    ['other'],
  );
  assert.deepEqual(
    data.droppedTargets.map(({ scrapePool }) => scrapePool),
    ['other'],
  );
  assert.deepEqual(data.droppedTargetCounts, { other: 1 });
});

for (const { health, shown } of [
  { health: 'up', shown: 'up' },
  { health: 'down', shown: 'down' },
  { health: 'unknown', shown: 'unknown' },
  { health: 'absent', shown: 'unknown' },
] as const) {
  test(`${health} is ${shown}`, async () => {
    const loop = new FakeLoop();
    const lastError = new ScrapeError('X', 'HTTP 404');
    await loop.addJob({ 'enabled-profiles': ['mem'] }, [{ __address__: 'a:1' }], () => ({ health, lastError }));
    const [target] = answerOf(loop, {}).data.activeTargets;
    assert.equal(target?.['health'], shown);
    assert.equal(target?.['lastError'], 'HTTP 404');
  });
}

test('what was never scraped has the time that Go prints for never', async () => {
  const loop = new FakeLoop();
  const never = { lastScrapeMs: undefined, lastDurationMs: undefined };
  await loop.addJob({ 'enabled-profiles': ['mem'] }, [{ __address__: 'a:1' }], () => never);
  const [target] = answerOf(loop, {}).data.activeTargets;
  assert.equal(target?.['lastScrape'], '0001-01-01T00:00:00Z');
  assert.equal(target?.['lastScrapeDuration'], 0);
});

test('the global URL has the name of this machine where the target is on it', async () => {
  const loop = new FakeLoop();
  await loop.addJob({ 'enabled-profiles': ['mem'] }, [{ __address__: 'localhost:1' }, { __address__: '[::1]:1' }]);
  const urls = answerOf(loop, {}, 'pull-0').data.activeTargets.map((target) => target['globalUrl']);
  assert.deepEqual(urls, ['http://pull-0:1/debug/pprof/heap', 'http://pull-0:1/debug/pprof/heap']);
});

test('a secret among the parameters is shown nowhere', async () => {
  const loop = new FakeLoop();
  await loop.addJob({ 'enabled-profiles': ['mem'], params: { authKey: ['hunter2'], debug: ['0'] } }, [
    { __address__: 'a:1' },
  ]);
  const text = [...prometheusTargets(loop.shownJobs, ALL, 'h')].join('');
  assert.match(text, /"__param_authKey":"xxxxx"/);
  assert.match(text, /authKey=xxxxx/);
  assert.match(text, /"__param_debug":"0"/);
  assert.doesNotMatch(text, /hunter2/);
});

test('very many come in pieces, all of them in order', async () => {
  const loop = new FakeLoop();
  const addresses = Array.from({ length: 250 }, (_, i) => `h${i}:1`);
  await loop.addJob(
    { 'enabled-profiles': ['mem'] },
    addresses.map((__address__) => ({ __address__ })),
  );
  const pieces = [...prometheusTargets(loop.shownJobs, ALL, 'h')];
  assert.ok(pieces.length > 3 && pieces.every((piece) => piece.length < 100_000));
  const labels = answerOf(loop, {}).data.activeTargets.map((target) => target['labels']);
  assert.deepEqual(
    labels.map((set) => Object(set).instance),
    addresses,
  );
});
