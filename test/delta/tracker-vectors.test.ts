import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaOutcome } from '../../src/delta/delta-outcome.ts';
import { KeptTargets } from '../../src/delta/kept-targets.ts';
import { ProfileError } from '../../src/errors.ts';
import { buildProfile, type ProfileSpec } from '../support/build-profile.ts';
import { sample, snapshot } from '../support/sample-table.ts';
import { nanos, passedOn, START_NANOS, TrackerRun } from '../support/tracker-run.ts';

const heap = (...samples: readonly (readonly [stack: string, allocated: bigint, inuse: bigint])[]): ProfileSpec =>
  snapshot(samples.map(([stack, ...values]) => sample(stack, values)));
const alloc = (value: bigint): ProfileSpec => heap(['a', value, 0n]);

const GOROUTINES: ProfileSpec = {
  sampleTypes: [{ type: 'goroutine', unit: 'count' }],
  periodType: { type: 'goroutine', unit: 'count' },
  period: 1n,
  samples: [],
};

function assertHeld(outcome: DeltaOutcome, reason: string): void {
  assert.equal(outcome.kind === 'held' ? outcome.reason : outcome.kind, reason);
}

/** From and until in seconds from the start, and what the profile itself says of its time. */
function times(outcome: DeltaOutcome): Record<string, number> {
  const { outcome: made, read } = passedOn(outcome);
  const seconds = (at: bigint): number => Number(at - START_NANOS) / 1e9;
  return {
    from: seconds(made.fromNanos),
    until: seconds(made.untilNanos),
    time: seconds(read.timeNanos),
    duration: Number(read.durationNanos) / 1e9,
  };
}

test('D10: the first snapshot is the baseline', async () => {
  const run = new TrackerRun();
  assertHeld(await run.next(alloc(5n), { seconds: 100 }), 'baseline');
  assert.equal(run.tracker.hasBaseline(run.target, Number(START_NANOS / 1_000_000n) + 101_000), true);
});

test('a delta speaks for the time between the two snapshots', async () => {
  const run = new TrackerRun();
  await run.next(heap(['s1', 10n, 4n]), { seconds: 100 });
  const outcome = await run.next(heap(['s1', 15n, 6n]), { seconds: 110 });
  assert.deepEqual(passedOn(outcome).samples, [['s1', 5n, 6n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 110, time: 110, duration: 10 });
});

test('D12: after a failed scrape the delta spans both intervals', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100 });
  run.tracker.failed(run.target.key);
  const outcome = await run.next(alloc(30n), { seconds: 120 });
  assert.deepEqual(passedOn(outcome).samples, [['a', 20n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 120, time: 120, duration: 20 });
});

test('an unreadable snapshot leaves the baseline as it was', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100 });
  await assert.rejects(run.nextBytes(buildProfile(alloc(20n)).subarray(0, -1), 115), ProfileError);
  const outcome = await run.next(alloc(30n), { seconds: 130 });
  assert.deepEqual(passedOn(outcome).samples, [['a', 20n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 130, time: 130, duration: 30 });
});

test("D13: a clock that went back is no reset; the duration is the scraper's", async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100, targetSeconds: 100 });
  const outcome = await run.next(alloc(18n), { seconds: 110, targetSeconds: 90 });
  const { samples, outcome: made } = passedOn(outcome);
  assert.deepEqual(samples, [['a', 8n, 0n]]);
  assert.equal(made.isReset, false);
  assert.equal(times(outcome)['duration'], 10);
});

test('D14: a response of the same time is stale and changes nothing', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100 });
  const stale = await run.next(alloc(10n), { seconds: 110, targetSeconds: 100 });
  assertHeld(stale, 'stale');
  assert.match(stale.warnings.join(), /cache/);
  const again = await run.next(alloc(10n), { seconds: 120, targetSeconds: 100 });
  assertHeld(again, 'stale');
  assert.deepEqual(again.warnings, [], 'warns once');
  const outcome = await run.next(alloc(15n), { seconds: 130 });
  assert.deepEqual(passedOn(outcome).samples, [['a', 5n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 130, time: 130, duration: 30 });
});

test('the same bytes without a time are stale too, other bytes without a time are not', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100, targetSeconds: 'none' });
  assertHeld(await run.next(alloc(10n), { seconds: 110, targetSeconds: 'none' }), 'stale');
  const outcome = await run.next(alloc(11n), { seconds: 120, targetSeconds: 'none' });
  assert.deepEqual(times(outcome), { from: 100, until: 120, time: 120, duration: 20 });
});

test('a clock that is off by more than five minutes is not believed, and said', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100, targetSeconds: 100 + 3600 });
  const outcome = await run.next(alloc(11n), { seconds: 110, targetSeconds: 110 + 3600 });
  assert.deepEqual(times(outcome), { from: 100, until: 110, time: 110, duration: 10 });
});

test('a wrong clock is told once, whatever its drift, until it is right again', async () => {
  const run = new TrackerRun();
  const warnings: (readonly string[])[] = [];
  for (const [at, minutesAhead] of [60, 62, -70, 4, 60, 1, 60].entries()) {
    const seconds = 100 + at * 10;
    const outcome = await run.next(alloc(BigInt(at)), { seconds, targetSeconds: seconds + minutesAhead * 60 });
    warnings.push(outcome.warnings);
  }
  const told = ['localhost:6060 has a clock 60 minutes ahead of ours; our time is used instead: set its clock'];
  assert.deepEqual(warnings, [told, [], [], [], [], [], told]);
});

test('goroutines are passed on unchanged, from the first on', async () => {
  const run = new TrackerRun({ profile: 'goroutines' });
  const running = (count: bigint): ProfileSpec => ({ ...GOROUTINES, samples: [sample('main', [count])] });
  assert.deepEqual(passedOn(await run.next(running(7n), { seconds: 100 })).samples, [['main', 7n]]);
  const outcome = await run.next(running(3n), { seconds: 110 });
  assert.deepEqual(passedOn(outcome).samples, [['main', 3n]]);
  assert.equal(times(outcome)['from'], 100);
});

test('of a godeltaprof endpoint the first response is discarded, also after a gap, and the others pass', async () => {
  const run = new TrackerRun({ isDeltaEndpoint: true });
  assertHeld(await run.next(alloc(4_000_000n), { seconds: 100 }), 'discarded');
  const outcome = await run.next(alloc(3n), { seconds: 110 });
  assert.deepEqual(passedOn(outcome).samples, [['a', 3n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 110, time: 110, duration: 10 });
  run.tracker.failed(run.target.key);
  assertHeld(await run.next(alloc(5n), { seconds: 130 }), 'discarded');
  assert.deepEqual(passedOn(await run.next(alloc(6n), { seconds: 140 })).samples, [['a', 6n, 0n]]);
});

test('heap with seconds is a difference already: alloc as it came, inuse dropped with a warning', async () => {
  const run = new TrackerRun({ seconds: 10 });
  const difference = { ...heap(['a', 5n, -3n], ['b', 0n, 9n]), durationNanos: nanos(10) };
  const outcome = await run.next(difference, { seconds: 110 });
  const { samples, outcome: made } = passedOn(outcome);
  assert.deepEqual(samples, [['a', 5n]]);
  assert.deepEqual(made.sampleTypes, [{ type: 'alloc_space', unit: 'bytes' }]);
  assert.match(made.warnings.join(), /inuse_space/);
  assert.deepEqual(times(outcome), { from: 100, until: 110, time: 110, duration: 10 });
});

test('other sample types: a new baseline, with a warning', async () => {
  const run = new TrackerRun();
  await run.next(heap(['a', 10n, 4n]), { seconds: 100 });
  const outcome = await run.next(snapshot([sample('a', [15n])]), { seconds: 110 });
  assertHeld(outcome, 'types-changed');
  assert.match(outcome.warnings.join(), /alloc_space\/bytes/);
  assert.deepEqual(passedOn(await run.next(snapshot([sample('a', [16n])]), { seconds: 120 })).samples, [['a', 1n]]);
});

test('a baseline that is too old is not used', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 0 });
  const day = 24 * 3600;
  assert.equal(passedOn(await run.next(alloc(11n), { seconds: day })).outcome.samples, 1);
  assertHeld(await run.next(alloc(12n), { seconds: 2 * day + 1 }), 'baseline');
});

test('a reset is told, and its interval is that between the snapshots', async () => {
  const run = new TrackerRun();
  await run.next(alloc(1000n), { seconds: 100 });
  const outcome = await run.next(alloc(3n), { seconds: 110 });
  const { outcome: made, samples } = passedOn(outcome);
  assert.equal(made.isReset, true);
  assert.deepEqual(samples, [['a', 3n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 110, time: 110, duration: 10 });
});

test('on-counter-reset: skip swallows that one profile', async () => {
  const run = new TrackerRun({ onCounterReset: 'skip' });
  await run.next(alloc(1000n), { seconds: 100 });
  assertHeld(await run.next(alloc(3n), { seconds: 110 }), 'reset-skipped');
  assert.deepEqual(passedOn(await run.next(alloc(8n), { seconds: 120 })).samples, [['a', 5n, 0n]]);
});

test('processes that take turns behind one address: no lifetime is repeated until four scrapes in a row are calm', async () => {
  const run = new TrackerRun();
  const warnings: string[] = [];
  const outcomes: string[] = [];
  let seconds = 100;
  const values = [1000, 10, 1010, 20, 25, 30, 31, 5, 6, 7, 8, 9, 3, 4];
  for (const value of values) {
    const outcome = await run.next(alloc(BigInt(value)), { seconds });
    seconds += 10;
    warnings.push(...outcome.warnings);
    if (outcome.kind === 'held') outcomes.push(outcome.reason);
    else
      outcomes.push(
        passedOn(outcome)
          .samples.map(([, allocated]) => `${outcome.isReset ? '!' : ''}${allocated}`)
          .join(),
      );
  }
  assert.deepEqual(outcomes, [
    'baseline',
    '!10', // the first reset may be a restart
    '1000', // the other process has more: no evidence of a reset but its amount
    'alternating',
    '5',
    '5',
    '1',
    'alternating', // after three calm scrapes
    '1',
    '1',
    '1',
    '1',
    '!3', // after four calm ones a reset is a restart again
    '1',
  ]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /shop:6060/);
});

test('a restart every fourth scrape is believed', async () => {
  const run = new TrackerRun();
  const resets: boolean[] = [];
  for (const [step, value] of [100, 1, 2, 3, 4, 1, 2, 3, 4, 1].entries()) {
    const outcome = await run.next(alloc(BigInt(value)), { seconds: 100 + 10 * step });
    if (outcome.kind === 'profile') resets.push(outcome.isReset);
  }
  assert.deepEqual(resets, [true, false, false, false, true, false, false, false, true]);
});

test('undo: what was lost on its way is in the next delta', async () => {
  const run = new TrackerRun();
  await run.next(alloc(10n), { seconds: 100 });
  await run.next(alloc(15n), { seconds: 110 });
  run.tracker.undo(run.target.key);
  const outcome = await run.next(alloc(18n), { seconds: 120 });
  assert.deepEqual(passedOn(outcome).samples, [['a', 8n, 0n]]);
  assert.deepEqual(times(outcome), { from: 100, until: 120, time: 120, duration: 20 });
});

test('a target that is gone leaves nothing behind, whatever came of its scrapes', async () => {
  const kept = new KeptTargets();
  const run = new TrackerRun({ kept });
  const { tracker, target } = run;
  const large = heap(...Array.from({ length: 200 }, (_, at) => [`s${at}`, 10n, 1n] as const));
  let seconds = 100;
  for (const spec of [alloc(10n), large]) {
    for (const end of ['keep', 'undo', 'nothing', 'keep'] as const) {
      seconds += 10;
      await run.next(spec, { seconds });
      if (end !== 'nothing') tracker[end](target.key);
      tracker.failed(target.key);
    }
    const state = tracker.exportState(target.key);
    assert.ok(state);
    assert.equal(tracker.importState(target.key, state), 'restored');
    await run.next(spec, { seconds });
    assert.ok(kept.bytes > 0);
    tracker.forget(target.key);
    assert.equal(kept.bytes, 0);
  }
});

test('a snapshot for which there is no memory changes nothing, for its target or another', async () => {
  class Full extends KeptTargets {
    isFull = false;
    override put(...tracked: Parameters<KeptTargets['put']>): ReturnType<KeptTargets['put']> {
      if (this.isFull) throw new RangeError('Array buffer allocation failed');
      return super.put(...tracked);
    }
  }
  const kept = new Full();
  const run = new TrackerRun({ kept });
  const other = new TrackerRun({ tracker: run.tracker, key: 'another' });
  await run.next(alloc(10n), { seconds: 100 });
  kept.isFull = true;
  await assert.rejects(run.next(alloc(12n), { seconds: 110 }), RangeError);
  kept.isFull = false;
  const outcome = await run.next(alloc(15n), { seconds: 120 });
  assert.deepEqual(times(outcome), { from: 100, until: 120, time: 120, duration: 20 });
  run.tracker.keep(run.target.key);
  // Takes whatever room is free.
  await other.next(alloc(1000n), { seconds: 125 });
  const last = await run.next(alloc(17n), { seconds: 130 });
  assert.ok(last.kind === 'profile' && !last.isReset);
  assert.deepEqual(passedOn(last).samples, [['a', 2n, 0n]]);
});

test('a state that was saved and restored gives the same delta', async () => {
  const first = new TrackerRun();
  await first.next(heap(['a', 10n, 1n], ['b', 20n, 2n], ['c', 5n, 0n]), { seconds: 100 });
  await first.next(heap(['a', 30n, 1n], ['b', 20n, 2n]), { seconds: 110 });
  const saved = first.tracker.exportState(first.target.key);
  assert.ok(saved);
  const later = heap(['a', 31n, 1n], ['b', 20n, 0n], ['c', 7n, 0n]);

  const restored = new TrackerRun();
  assert.equal(restored.tracker.importState(restored.target.key, saved), 'restored');
  const outcome = await restored.next(later, { seconds: 120 });
  assert.deepEqual(passedOn(outcome).samples, [
    ['a', 1n, 1n],
    ['c', 2n, 0n],
  ]);
  assert.deepEqual(times(outcome), { from: 110, until: 120, time: 120, duration: 10 });
  const direct = await first.next(later, { seconds: 120 });
  assert.deepEqual(passedOn(direct).outcome.body, passedOn(outcome).outcome.body);
});

test('every torn state is refused', async () => {
  const run = new TrackerRun();
  await run.next(heap(['a', 10n, 1n]), { seconds: 100 });
  const saved = run.tracker.exportState(run.target.key);
  assert.ok(saved);
  for (let length = 0; length < saved.length; length++) {
    assert.equal(new TrackerRun().tracker.importState('k', saved.subarray(0, length)), 'torn', `${length} bytes`);
  }
  for (let at = 0; at < saved.length; at++) {
    const damaged = Uint8Array.from(saved);
    damaged[at] = (damaged[at] ?? 0) ^ 0x20;
    assert.notEqual(new TrackerRun().tracker.importState('k', damaged), 'restored', `byte ${at}`);
  }
});

test('a target that was out of its sample for a rotation starts afresh, one that was in it does not', async () => {
  const hourly = { type: 'count', count: 1, rotateEveryMs: 3_600_000 } as const;
  for (const [seconds, kind] of [
    [3_600, 'profile'],
    [3_601, 'held'],
  ] as const) {
    const run = new TrackerRun({ sample: hourly });
    await run.next(alloc(10n), { seconds: 0 });
    assert.equal((await run.next(alloc(30n), { seconds })).kind, kind);
  }
});
