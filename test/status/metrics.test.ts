import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PyroPullError } from '../../src/errors.ts';
import type { RoundOutcome } from '../../src/loop/loop-event.ts';
import { LoopMetrics } from '../../src/status/metrics.ts';
import type { RemoteView } from '../../src/status/remote-view.ts';
import type { Target } from '../../src/targets/target.ts';
import { FakeLoop, fakeRemote, STARTED_MS } from '../support/fake-loop.ts';
import { OUTCOME } from '../support/loop-world.ts';

function metricsOf(t: TestContext, loop: FakeLoop, remotes: readonly RemoteView[] = []): LoopMetrics {
  const jobs = () => loop.view.jobs();
  const metrics = new LoopMetrics({ handle: loop, jobs, remotes: () => remotes, version: '1.2.3' });
  t.after(() => metrics.close());
  return metrics;
}

/** The samples of ours, without their prefix. */
async function samplesOf(metrics: LoopMetrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('pyro_pull_'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice('pyro_pull_'.length, space), Number(line.slice(space + 1))];
    }),
  );
}

async function loopWithTarget(): Promise<{ loop: FakeLoop; target: Target }> {
  const loop = new FakeLoop();
  const { targets } = await loop.addJob({ 'job-name': 'shop', 'enabled-profiles': ['mem'] }, [{ __address__: 'a:1' }]);
  return { loop, target: targets[0]!.target };
}

function round(target: Target, outcome: RoundOutcome, changes: { durationMs?: number; bytes?: number } = {}) {
  const { durationMs = 20, bytes } = changes;
  return { type: 'round', target, outcome, latenessMs: 3, durationMs, bytes } as const;
}

test('only counters have the name of a counter', async (t) => {
  const { loop } = await loopWithTarget();
  const types = [...(await metricsOf(t, loop, [fakeRemote()]).text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  assert.ok(types.length > 30);
  for (const [, name = '', type] of types) assert.equal(name.endsWith('_total'), type === 'counter', name);
});

test('scrapes are counted by outcome, with their duration, lateness and size', async (t) => {
  const { loop, target } = await loopWithTarget();
  const metrics = metricsOf(t, loop);
  loop.emit(round(target, 'finished', { bytes: 5000 }));
  loop.emit(round(target, 'finished', { bytes: 70_000, durationMs: 2000 }));
  loop.emit(round(target, 'failed'));
  const samples = await samplesOf(metrics);
  assert.equal(samples.get('scrapes_total{job="shop",profile="mem",outcome="finished"}'), 2);
  assert.equal(samples.get('scrapes_total{job="shop",profile="mem",outcome="failed"}'), 1);
  assert.equal(samples.get('scrape_duration_seconds_count{job="shop",profile="mem"}'), 3);
  assert.equal(samples.get('scrape_duration_seconds_bucket{le="0.025",job="shop",profile="mem"}'), 2);
  assert.ok(Math.abs((samples.get('scrape_duration_seconds_sum{job="shop",profile="mem"}') ?? 0) - 2.04) < 1e-9);
  assert.equal(samples.get('profile_bytes_count{job="shop",profile="mem"}'), 2);
  assert.equal(samples.get('profile_bytes_bucket{le="16384",job="shop",profile="mem"}'), 1);
  assert.equal(samples.get('scrape_lateness_seconds_count'), 3);
});

test('missed slots, counter resets and faults are counted', async (t) => {
  const { loop, target } = await loopWithTarget();
  const metrics = metricsOf(t, loop);
  loop.emit({ type: 'missed', target, slots: 3 });
  for (const isReset of [true, false]) {
    const profile = { ...OUTCOME, isReset, target, labels: target.labels, bytes: 1 };
    if (profile.kind === 'profile') loop.emit({ type: 'finished', target, profile, receipts: [], durationMs: 1 });
  }
  loop.emit({ type: 'fault', error: new Error('ours') });
  const samples = await samplesOf(metrics);
  assert.equal(samples.get('scrape_missed_total{job="shop",profile="mem"}'), 3);
  assert.equal(samples.get('counter_resets_total{job="shop",profile="mem"}'), 1);
  assert.equal(samples.get('faults_total'), 1);
});

test('targets are told by state, those that are not scraped too', async (t) => {
  const loop = new FakeLoop();
  const relabel = [{ 'source-labels': ['env'], regex: 'dev', action: 'drop' }];
  await loop.addJob(
    { 'job-name': 'shop', 'enabled-profiles': ['mem'], 'relabel-configs': relabel },
    [
      { __address__: 'a:1' },
      { __address__: 'b:1' },
      { __address__: 'c:1', env: 'dev' },
      { __address__: 'd:99999' },
      { __address__: 'a:1' },
    ],
    (_view, index) => (index === 1 ? { health: 'down' } : {}),
  );
  const samples = await samplesOf(metricsOf(t, loop));
  const states = { up: 1, down: 1, absent: 0, unknown: 0, dropped: 1, rejected: 1, duplicate: 1 };
  for (const [state, count] of Object.entries(states)) {
    assert.equal(samples.get(`targets{job="shop",state="${state}"}`), count, state);
  }
});

test('a job that is gone after a reload is told no more, in gauges nor in counters', async (t) => {
  const { loop, target } = await loopWithTarget();
  const { targets } = await loop.addJob({ 'job-name': 'other', 'enabled-profiles': ['mem'] }, [{ __address__: 'b:1' }]);
  const metrics = metricsOf(t, loop);
  loop.emit(round(target, 'finished', { bytes: 1 }));
  loop.emit(round(targets[0]!.target, 'finished', { bytes: 1 }));
  loop.shownJobs.shift();
  loop.emit({ type: 'reloaded', jobs: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  const names = [...(await samplesOf(metrics)).keys()];
  assert.deepEqual(
    names.filter((name) => name.includes('"shop"')),
    [],
  );
  assert.ok(names.includes('scrapes_total{job="other",profile="mem",outcome="finished"}'));
  assert.ok(names.includes('scrape_duration_seconds_count{job="other",profile="mem"}'));
});

test('reloads: how the last one went, when, and how many of each', async (t) => {
  const loop = new FakeLoop();
  const metrics = metricsOf(t, loop);
  const fresh = await samplesOf(metrics);
  assert.equal(fresh.get('config_last_reload_successful'), 1);
  assert.equal(fresh.get('config_last_reload_success_timestamp_seconds'), STARTED_MS / 1000);
  assert.equal(fresh.get('config_reloads_total{result="failure"}'), 0);
  const error = new PyroPullError('X', 'broken');
  loop.config = { ...loop.config, isLastReloadGood: false, lastReloadError: error };
  loop.emit({ type: 'reload-failed', error });
  const samples = await samplesOf(metrics);
  assert.equal(samples.get('config_last_reload_successful'), 0);
  assert.equal(samples.get('config_reloads_total{result="failure"}'), 1);
});

test('remotes: what waits, what was sent, what was lost', async (t) => {
  const remotes = [fakeRemote(), fakeRemote({ name: 'backup', state: 'paused', queuedBytes: 0 })];
  const samples = await samplesOf(metricsOf(t, new FakeLoop(), remotes));
  const of = (name: string, remote = 'main') => samples.get(`${name}{remote="${remote}"}`);
  assert.equal(of('queue_bytes'), 65_536);
  assert.equal(of('queue_bytes', 'backup'), 0);
  assert.equal(of('queue_profiles'), 3);
  assert.equal(of('remote_up'), 1);
  assert.equal(of('remote_up', 'backup'), 0);
  const counts = { accepted: 1200, rejected: 2, retries: 4, dropped: 5, corrupt: 6, filtered: 7 };
  for (const [what, count] of Object.entries(counts)) assert.equal(of(`remote_${what}_total`), count, what);
});

test('counters of remotes are theirs, not added up from reading to reading', async (t) => {
  const metrics = metricsOf(t, new FakeLoop(), [fakeRemote()]);
  await metrics.text();
  assert.equal((await samplesOf(metrics)).get('remote_accepted_total{remote="main"}'), 1200);
});

test('sources of targets: answers, failures, what they gave', async (t) => {
  const loop = new FakeLoop();
  const source = {
    mechanism: 'http',
    name: 'http-sd-configs[0]',
    jobNames: ['a', 'b'],
    targets: 12,
    failures: [],
  } as const;
  loop.shownMechanisms = [{ ...source, refreshes: 7, failedRefreshes: 2, lastSuccessMs: 5000 }];
  const samples = await samplesOf(metricsOf(t, loop));
  const labels = '{mechanism="http",name="http-sd-configs[0]",jobs="a,b"}';
  assert.equal(samples.get(`discovery_refreshes_total${labels}`), 7);
  assert.equal(samples.get(`discovery_failures_total${labels}`), 2);
  assert.equal(samples.get(`discovery_failing${labels}`), 0);
  assert.equal(samples.get(`discovery_targets${labels}`), 12);
  assert.equal(samples.get(`discovery_last_success_timestamp_seconds${labels}`), 5);
});

test('the process tells of itself under the usual names', async (t) => {
  const metrics = metricsOf(t, new FakeLoop());
  const text = await metrics.text();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.match(text, new RegExp(`^${name} `, 'm'));
  }
  assert.match(text, /^pyro_pull_build_info\{version="1\.2\.3",nodeversion="v\d+/m);
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

test('nothing is counted after the end', async () => {
  const loop = new FakeLoop();
  const metrics = new LoopMetrics({ handle: loop, jobs: () => [], remotes: () => [], version: '' });
  metrics.close();
  assert.equal(loop.listeners, 0);
});
