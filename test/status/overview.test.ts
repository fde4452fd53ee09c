import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, DiscoveryError, ScrapeError } from '../../src/errors.ts';
import type { TargetView } from '../../src/loop/loop-view.ts';
import { overviewOf } from '../../src/status/overview-of.ts';
import { parseOverviewQuery } from '../../src/status/overview-query.ts';
import type { JobOverview, Overview } from '../../src/status/page/overview.ts';
import type { RemoteView } from '../../src/status/remote-view.ts';
import { FakeLoop, fakeRemote, STARTED_MS } from '../support/fake-loop.ts';

function overview(loop: FakeLoop, query = '', remotes: readonly RemoteView[] = []): Overview {
  const source = { view: loop.view, jobs: loop.view.jobs(), remotes, version: '1.2.3', nowMs: STARTED_MS + 70_000 };
  return overviewOf(source, parseOverviewQuery(new URLSearchParams(query)));
}

function theJob(loop: FakeLoop, query = ''): JobOverview {
  return overview(loop, query).jobs[0]!;
}

/** A job `shop` of so many targets with one profile each. */
async function loopOf(
  count: number,
  changes?: (view: TargetView, index: number) => Partial<TargetView>,
): Promise<FakeLoop> {
  const loop = new FakeLoop();
  const targets = Array.from({ length: count }, (_, i) => ({
    __address__: `h${i}:1`,
    env: i % 2 === 0 ? 'prod' : 'dev',
  }));
  await loop.addJob({ 'job-name': 'shop', 'enabled-profiles': ['mem'] }, targets, changes);
  return loop;
}

const DOWN = {
  health: 'down',
  failuresInRow: 3,
  lastError: new ScrapeError('X', 'connection refused', { hint: 'start it' }),
} as const;

test('a row has all that a line of the page shows', async () => {
  const loop = await loopOf(1);
  assert.deepEqual(theJob(loop).rows, [
    {
      key: loop.shownJobs[0]!.targets[0]!.target.key,
      health: 'up',
      isScraping: false,
      instance: 'h0:1',
      service: 'shop',
      profile: 'mem',
      labels: [['env', 'prod']],
      intervalMs: 10_000,
      lastScrapeMs: STARTED_MS + 60_000,
      durationMs: 12.5,
      bytes: 21_000,
      nextMs: STARTED_MS + 75_000,
      missed: 0,
      failures: 0,
    },
  ]);
});

test('what needs attention comes first, the rest stays in order', async () => {
  const loop = await loopOf(4, (_view, index) => (index === 2 ? DOWN : {}));
  const { rows, counts } = theJob(loop);
  assert.deepEqual(
    rows.map(({ instance }) => instance),
    ['h2:1', 'h0:1', 'h1:1', 'h3:1'],
  );
  assert.deepEqual(rows[0]?.error, { message: 'connection refused', hint: 'start it' });
  assert.deepEqual(counts, { up: 3, down: 1, absent: 0, unknown: 0 });
});

for (const { filter, matching } of [
  { filter: 'h3', matching: 1 },
  { filter: 'ENV=PROD', matching: 3 },
  { filter: 'env=prod h2', matching: 1 },
  { filter: 'heap', matching: 6 },
  { filter: 'mem', matching: 6 },
  { filter: 'shop', matching: 6 },
  { filter: 'refused', matching: 1 },
  { filter: 'env=prod env=dev', matching: 0 },
  { filter: '<b>', matching: 0 },
]) {
  test(`filter ${filter} lets ${matching} of 6 through`, async () => {
    const loop = await loopOf(6, (_view, index) => (index === 5 ? DOWN : {}));
    const job = theJob(loop, String(new URLSearchParams({ filter })));
    assert.equal(job.matching, matching);
    assert.equal(job.rows.length, matching);
    assert.equal(job.counts.up + job.counts.down, 6, 'counts are of all');
  });
}

test('healths take the place of a filter, and go with it', async () => {
  const loop = await loopOf(6, (_view, index) => (index < 2 ? DOWN : {}));
  assert.equal(theJob(loop, 'health=down').matching, 2);
  assert.equal(theJob(loop, 'health=down&health=up').matching, 6);
  assert.equal(theJob(loop, 'health=down&filter=h0').matching, 1);
  assert.equal(theJob(loop, 'health=nonsense').matching, 6);
});

test('of very many targets a hundred are sent, more when asked', async () => {
  const loop = await loopOf(5000, (_view, index) => (index === 4999 ? DOWN : {}));
  const job = theJob(loop);
  assert.equal(job.matching, 5000);
  assert.equal(job.rows.length, 100);
  assert.equal(job.rows[0]?.instance, 'h4999:1');
  assert.equal(theJob(loop, 'more=shop&more=shop').rows.length, 300);
  assert.ok(JSON.stringify(overview(loop)).length < 100_000);
});

test('jobs past the first few hundred rows are folded unless they are unfolded', async () => {
  const loop = new FakeLoop();
  const targets = Array.from({ length: 100 }, (_, i) => ({ __address__: `h${i}:1` }));
  for (let i = 0; i < 6; i++) await loop.addJob({ 'job-name': `job-${i}`, 'enabled-profiles': ['mem'] }, targets);
  const open = (query: string) =>
    overview(loop, query).jobs.flatMap(({ isOpen, name }) => (isOpen ? [name.slice(4)] : []));
  assert.deepEqual(open(''), ['0', '1', '2', '3']);
  assert.deepEqual(open('open=job-5'), ['0', '1', '2', '3', '5']);
  assert.deepEqual(open('closed=job-0&closed=job-1'), ['2', '3', '4', '5']);
  const folded = overview(loop, 'closed=job-0').jobs[0]!;
  assert.deepEqual([folded.rows.length, folded.matching], [0, 100]);
});

test('labels before relabelling are sent for the targets that are unfolded', async () => {
  const loop = await loopOf(2);
  const key = loop.shownJobs[0]!.targets[1]!.target.key;
  const [first, second] = theJob(loop, `details=${key}`).rows;
  assert.equal(first?.details, undefined);
  assert.equal(second?.details?.url, 'http://h1:1/debug/pprof/heap');
  assert.ok(second?.details?.discoveredLabels.some(([name, value]) => name === '__address__' && value === 'h1:1'));
});

test('dropped targets are sent when asked for, with the rule that dropped them', async () => {
  const loop = new FakeLoop();
  const relabel = [{ 'source-labels': ['env'], regex: 'dev', action: 'drop' }];
  await loop.addJob({ 'job-name': 'shop', 'relabel-configs': relabel }, [{ __address__: 'a:1', env: 'dev' }]);
  assert.deepEqual(theJob(loop).dropped, []);
  assert.equal(theJob(loop).droppedCount, 1);
  const [dropped] = theJob(loop, 'dropped=shop').dropped;
  assert.match(dropped?.reason ?? '', /^relabel rule 0 \(line \d+\): drop$/);
  assert.ok(dropped?.labels.some(([name, value]) => name === 'env' && value === 'dev'));
});

test('targets that cannot be scraped are told with place and mend', async () => {
  const loop = new FakeLoop();
  await loop.addJob({ 'job-name': 'shop' }, [{ __address__: 'a:99999' }]);
  assert.match(theJob(loop).rejected[0]?.message ?? '', /^instance 0 in group 0: .*99999/);
});

test('the state of the loop', async () => {
  const loop = await loopOf(1);
  assert.equal(overview(loop).state, 'running');
  loop.isReady = false;
  assert.equal(overview(loop).state, 'starting');
  loop.isStopping = true;
  assert.equal(overview(loop).state, 'stopping');
});

test('a reload that failed is told with all faults of the config', () => {
  const loop = new FakeLoop();
  const problem = {
    file: 'p.yml',
    position: { line: 3, column: 22 },
    path: 'a.b',
    message: 'bad',
    hint: 'mend',
    excerpt: undefined,
  };
  const lastReloadError = new ConfigError('p.yml', [problem]);
  loop.config = { ...loop.config, isLastReloadGood: false, lastReloadError };
  assert.equal(overview(loop).config.error, '1 problem in p.yml\np.yml:3:22: a.b: bad (mend)');
});

test('remotes and sources of targets are told', () => {
  const loop = new FakeLoop();
  const failures = [new DiscoveryError('X', 'no answer')];
  const source = { mechanism: 'http', name: 'http-sd-configs[0]', jobNames: ['shop'], targets: 2 } as const;
  loop.shownMechanisms = [{ ...source, refreshes: 1, failedRefreshes: 2, lastSuccessMs: undefined, failures }];
  const { remotes, mechanisms } = overview(loop, '', [fakeRemote({ lastFailure: 'HTTP 503' })]);
  assert.equal(remotes[0]?.lastFailure, 'HTTP 503');
  assert.equal(remotes[0]?.queuedBytes, 65_536);
  assert.deepEqual(mechanisms[0]?.failures, [{ message: 'no answer' }]);
  assert.deepEqual(mechanisms[0]?.jobs, ['shop']);
});
