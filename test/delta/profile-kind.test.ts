import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLAIN_SAMPLE_TYPE } from '../../src/config/presets.ts';
import type { ProfileConfig } from '../../src/config/scrape-config.ts';
import type { DeltaOutcome } from '../../src/delta/delta-outcome.ts';
import { expectsTwoSnapshots } from '../../src/delta/profile-kind.ts';
import type { SampleType } from '../../src/profile/sample-type.ts';
import { buildProfile, type ProfileSpec } from '../support/build-profile.ts';
import { inflated } from '../support/recorded-profiles.ts';
import { ALLOC_SPACE, INUSE_SPACE, SPACE, sample, snapshot } from '../support/sample-table.ts';
import { nanos, passedOn, START_NANOS, TrackerRun, type TrackerRunOptions } from '../support/tracker-run.ts';

const heap = (allocated: bigint, inuse = 0n, rest: Partial<ProfileSpec> = {}): ProfileSpec =>
  snapshot([sample('a', [allocated, inuse])], rest);
const GOROUTINE: SampleType = { type: 'goroutine', unit: 'count' };
const goroutines = (count: bigint, rest: Partial<ProfileSpec> = {}): ProfileSpec => ({
  sampleTypes: [GOROUTINE],
  periodType: GOROUTINE,
  period: 1n,
  samples: [sample('main', [count])],
  ...rest,
});
const seconds = (count: number) => ({ durationNanos: nanos(count) });
/** A profile of the user's own, of which the config says no more than its path. */
const OWN: Partial<ProfileConfig> = { name: 'own', sampleTypes: new Map() };
const declared = (type: string, isCumulative: boolean): Partial<ProfileConfig> => ({
  ...OWN,
  sampleTypes: new Map([[type, { ...PLAIN_SAMPLE_TYPE, isCumulative }]]),
});

/** What came of each of some snapshots, ten seconds apart: its kind and the values in it, or why it was held back. */
async function said(options: TrackerRunOptions, ...specs: readonly ProfileSpec[]): Promise<string[]> {
  const run = new TrackerRun(options);
  const all: string[] = [];
  for (const [at, spec] of specs.entries()) all.push(text(await run.next(spec, { seconds: 100 + at * 10 })));
  return all;
}

function text(outcome: DeltaOutcome): string {
  if (outcome.kind === 'held') return outcome.reason;
  const values = passedOn(outcome).samples.map(([, ...columns]) => columns.join(' '));
  return `${outcome.profileKind}: ${values.join(', ')}`;
}

for (const pathAndQuery of [
  '/debug/pprof/delta_heap',
  '/some/prefix/debug/pprof/delta_heap',
  '/debug/pprof/delta_heap?gc=1',
]) {
  test(`mem at ${pathAndQuery} is not subtracted a second time, wherever its path came from`, async () => {
    const run = { pathAndQuery };
    assert.deepEqual(await said(run, heap(51n), heap(52n), heap(53n)), ['discarded', 'delta: 52 0', 'delta: 53 0']);
    assert.equal(expectsTwoSnapshots(new TrackerRun(run).target), true);
  });
}

test("a user's own profile on a delta endpoint is no snapshot, even where the config says cumulative", async () => {
  const run = { pathAndQuery: '/debug/pprof/delta_heap', config: declared('alloc_space', true) };
  assert.deepEqual(await said(run, heap(51n), heap(52n)), ['discarded', 'delta: 52 0']);
});

test('with use-delta-profiles a path that leads back to the standard endpoint gives snapshots', async () => {
  const run = { isDeltaEndpoint: true, pathAndQuery: '/p/debug/pprof/heap' };
  assert.deepEqual(await said(run, heap(51n), heap(53n)), ['baseline', 'delta: 2 0']);
});

test("Go's cumulative columns are subtracted in a profile of the user's own without sample-types", async () => {
  for (const pathAndQuery of ['/debug/pprof/heap?gc=1', '/metrics/memory']) {
    const run = { pathAndQuery, config: OWN };
    assert.deepEqual(await said(run, heap(1000n, 7n), heap(1004n, 6n)), ['baseline', 'delta: 4 6']);
  }
  assert.equal(
    expectsTwoSnapshots(new TrackerRun({ pathAndQuery: '/debug/pprof/heap?gc=1', config: OWN }).target),
    true,
  );
  assert.equal(expectsTwoSnapshots(new TrackerRun({ pathAndQuery: '/metrics/memory', config: OWN }).target), false);
});

test("mutex and block of the user's own are, too", async () => {
  const locks = (delay: bigint): ProfileSpec => ({
    sampleTypes: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    periodType: { type: 'contentions', unit: 'count' },
    samples: [sample('a', [delay / 10n, delay])],
  });
  const run = { pathAndQuery: '/debug/pprof/mutex', config: OWN };
  assert.deepEqual(await said(run, locks(100n), locks(150n)), ['baseline', 'delta: 5 50']);
});

test('what the config declares holds: totals that are not subtracted are called cumulative', async () => {
  const run = {
    pathAndQuery: '/debug/pprof/heap',
    config: { ...declared('alloc_space', false), dropsUnlisted: false },
  };
  assert.deepEqual(await said(run, heap(1000n, 7n), heap(1004n, 6n)), ['cumulative: 1000 7', 'cumulative: 1004 6']);
  assert.equal(expectsTwoSnapshots(new TrackerRun(run).target), true, 'alloc_objects may come');
});

test("a column of the user's own counts up where the config says so", async () => {
  const jobs = (count: bigint): ProfileSpec => ({
    sampleTypes: [{ type: 'jobs', unit: 'count' }],
    samples: [sample('a', [count])],
  });
  assert.deepEqual(await said({ pathAndQuery: '/jobs', config: OWN }, jobs(5n), jobs(9n)), ['state: 5', 'state: 9']);
  const run = { pathAndQuery: '/jobs', config: declared('jobs', true) };
  assert.deepEqual(await said(run, jobs(5n), jobs(9n)), ['baseline', 'delta: 4']);
});

test("Node's allocations start anew with each answer: the five answers of one process, as they came", async () => {
  const run = new TrackerRun();
  const warnings: string[] = [];
  for (let answer = 1; answer <= 5; answer++) {
    const file = join(import.meta.dirname, `../../fixtures/profiles/kinds/node-alloc-${answer}.pb.gz`);
    const body = new Uint8Array(readFileSync(file));
    const outcome = await run.nextResponse(body, undefined, run.secondsOf(inflated(body)));
    warnings.push(...outcome.warnings);
    // Nobody knows since when the first one counts.
    if (answer === 1) assert.equal(text(outcome), 'discarded');
    else {
      assert.ok(outcome.kind === 'profile');
      assert.equal(outcome.profileKind, 'delta');
      assert.equal(outcome.isReset, false);
      assert.deepEqual(outcome.body, body);
      assert.ok(outcome.untilNanos - outcome.fromNanos < nanos(10));
    }
  }
  assert.equal(warnings.length, 1, 'said once');
  assert.match(
    warnings[0] ?? '',
    /is a delta already: alloc_objects\/count, alloc_space\/bytes with the period type alloc_space\/bytes/,
  );
});

test('a duration beside cumulative columns: a delta already, passed through with its own interval, said once', async () => {
  const run = new TrackerRun();
  const first = buildProfile(heap(5n, 2n, { ...seconds(30), timeNanos: START_NANOS + nanos(100) }));
  const outcome = await run.nextBytes(first, 100);
  assert.equal(text(outcome), 'delta: 5 2');
  assert.deepEqual(inflated(passedOn(outcome).outcome.body), first);
  const { fromNanos, untilNanos } = passedOn(outcome).outcome;
  assert.deepEqual([fromNanos - START_NANOS, untilNanos - START_NANOS], [nanos(70), nanos(100)]);
  assert.match(outcome.warnings.join(), /is a delta already: it has a duration of 30 s beside alloc_space\/bytes/);
  assert.deepEqual((await run.next(heap(7n, 2n, seconds(30)), { seconds: 130 })).warnings, []);
});

test('contentions of a JFR recording are no counters of Go', async () => {
  const jfr = (contentions: bigint): ProfileSpec => ({
    sampleTypes: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    periodType: { type: 'mutex', unit: 'count' },
    samples: [sample('a', [contentions, 9n])],
    ...seconds(10),
  });
  assert.deepEqual(await said({ profile: 'mutex' }, jfr(4n), jfr(3n)), ['delta: 4 9', 'delta: 3 9']);
});

test('a time that is the start of the interval is taken as that', async () => {
  const run = new TrackerRun();
  const spec = heap(5n, 2n, { ...seconds(30), timeNanos: START_NANOS + nanos(70) });
  const { fromNanos, untilNanos } = passedOn(await run.nextBytes(buildProfile(spec), 100)).outcome;
  assert.deepEqual([fromNanos - START_NANOS, untilNanos - START_NANOS], [nanos(70), nanos(100)]);
});

test('where the config says cumulative, a duration is said and not obeyed', async () => {
  const run = new TrackerRun({ config: declared('alloc_space', true) });
  const first = await run.next(heap(5n, 2n, seconds(30)), { seconds: 100 });
  assert.match(first.warnings.join(), /is subtracted because the config says cumulative: true/);
  assert.equal(text(await run.next(heap(9n, 2n, seconds(40)), { seconds: 110 })), 'delta: 4 2');
});

test('a heap of nothing but inuse is a state: written at once, as it came, however often it is the same', async () => {
  const run = new TrackerRun();
  const pprof = buildProfile({ sampleTypes: [INUSE_SPACE], periodType: SPACE, samples: [sample('a', [4096n])] });
  for (const at of [100, 110, 120]) {
    const outcome = await run.nextBytes(pprof, at);
    assert.equal(text(outcome), 'state: 4096');
    assert.deepEqual(inflated(passedOn(outcome).outcome.body), pprof, 'no time or duration is made up');
    assert.deepEqual(outcome.warnings, []);
  }
  assert.equal(run.tracker.hasBaseline(run.target, Number(START_NANOS / 1_000_000n) + 121_000), true);
});

test('a state stands for one interval, not for the time since an earlier run; what happened since then is told from there', async () => {
  const lengthOf = async (config: TrackerRunOptions, spec: ProfileSpec): Promise<bigint> => {
    const before = new TrackerRun(config);
    await before.next(spec, { seconds: 100 });
    const after = new TrackerRun(config);
    const state = before.tracker.exportState(before.target.key);
    assert.ok(state !== undefined);
    assert.equal(after.tracker.importState(after.target.key, state), 'restored');
    const { fromNanos, untilNanos } = passedOn(await after.next(spec, { seconds: 3700 })).outcome;
    assert.equal(untilNanos - START_NANOS, nanos(3700));
    return untilNanos - fromNanos;
  };
  const { scrapeIntervalMs } = new TrackerRun().target;
  assert.equal(await lengthOf({ profile: 'goroutines' }, goroutines(7n)), nanos(scrapeIntervalMs / 1000));
  assert.equal(await lengthOf({ pathAndQuery: '/debug/pprof/delta_heap' }, heap(7n)), nanos(3600));
});

test("goroutines with seconds: Go's own difference, with its negative values", async () => {
  const run = { profile: 'goroutines', seconds: 1 };
  assert.deepEqual(await said(run, goroutines(-3n, seconds(1))), ['delta: -3']);
});

test('goroutines with seconds of a target that ignores them: a state', async () => {
  assert.deepEqual(await said({ profile: 'goroutines', seconds: 1 }, goroutines(7n)), ['state: 7']);
});

test("a CPU profile is a window, also where its length is the target's own choice", async () => {
  const cpu: ProfileSpec = {
    sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    samples: [sample('a', [5n])],
    ...seconds(30),
  };
  assert.deepEqual(await said({ profile: 'cpu', seconds: 30 }, cpu), ['window: 5']);
  const run = new TrackerRun({ config: OWN, pathAndQuery: '/last-30s' });
  const spec = { ...cpu, timeNanos: START_NANOS + nanos(70) };
  const { profileKind, fromNanos, untilNanos } = passedOn(await run.nextBytes(buildProfile(spec), 100)).outcome;
  assert.deepEqual([profileKind, fromNanos - START_NANOS, untilNanos - START_NANOS], ['window', nanos(70), nanos(100)]);
});

test('the duration of a nanosecond that pypprof writes beside a state is no measurement', async () => {
  const spec: ProfileSpec = {
    sampleTypes: [{ type: 'HEAP', unit: 'bytes' }],
    samples: [sample('a', [5n])],
    durationNanos: 1n,
  };
  assert.deepEqual(await said({ config: OWN, pathAndQuery: '/debug/pprof/heap' }, spec), ['state: 5']);
});

test('heap with seconds of a target that ignores them: snapshots that are subtracted, with a word', async () => {
  const run = new TrackerRun({ seconds: 3 });
  const first = await run.next(heap(51n, 5n), { seconds: 100 });
  assert.equal(text(first), 'baseline');
  assert.match(first.warnings.join(), /ignores the parameter seconds/);
  assert.equal(run.tracker.hasBaseline(run.target, Number(START_NANOS / 1_000_000n) + 101_000), true);
  assert.equal(text(await run.next(heap(53n, 5n), { seconds: 110 })), 'delta: 2 5');
});

test('a column that only has the name of one of Go, in another unit, does not count up', async () => {
  const spec: ProfileSpec = { sampleTypes: [{ ...ALLOC_SPACE, unit: 'kilobytes' }], samples: [sample('a', [5n])] };
  assert.deepEqual(await said({}, spec), ['state: 5']);
});

test('a target that gave states and now counts up starts with a snapshot', async () => {
  const inuse: ProfileSpec = { sampleTypes: [INUSE_SPACE], samples: [sample('a', [5n])] };
  assert.deepEqual(await said({}, inuse, heap(9n), heap(11n), inuse), [
    'state: 5',
    'baseline',
    'delta: 2 0',
    'state: 5',
  ]);
});

test('a negative count since the start of the process is refused by its cause', async () => {
  const run = new TrackerRun();
  await assert.rejects(run.next(heap(-5n), { seconds: 100 }), /alloc_space\/bytes is -5 in sample\[0\]/);
});
