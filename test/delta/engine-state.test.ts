import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProfileError } from '../../src/errors.ts';
import { buildProfile } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { sample, snapshot } from '../support/sample-table.ts';

test('refuses equal samples that sum to more than an int64, and keeps the state', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [10n])])));
  const before = run.state;
  assert.throws(
    () => run.next(buildProfile(snapshot([sample('s1', [2n ** 63n - 1n]), sample('s2', [1n]), sample('s1', [1n])]))),
    (error) => error instanceof ProfileError && /alloc_space|int64|64 bits/i.test(error.message),
  );
  assert.equal(run.state, before);
  const { profile } = run.delta(buildProfile(snapshot([sample('s1', [12n])])));
  assert.deepEqual(printSamples(readProfile(profile)), [['s1', 2n]]);
});

test('refuses equal samples whose instantaneous values sum to more than an int64', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [10n, 0n])])));
  const huge = snapshot([sample('s1', [1n, 2n ** 63n - 1n]), sample('s1', [9n, 1n])]);
  assert.throws(() => run.next(buildProfile(huge)), ProfileError);
});

test('goes on from the last good snapshot after one that cannot be read', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [10n])])));
  assert.throws(() => run.next(buildProfile(snapshot([sample('s1', [20n])])).subarray(0, -1)), ProfileError);
  const { profile } = run.delta(buildProfile(snapshot([sample('s1', [30n])])));
  assert.deepEqual(printSamples(readProfile(profile)), [['s1', 20n]]);
});

test('compares a sample that returns with what was last seen of it, if it was missing in up to five', () => {
  const present = (s1: bigint) => buildProfile(snapshot([sample('s1', [s1]), sample('s2', [7n])]));
  const absent = (s1: bigint) => buildProfile(snapshot([sample('s1', [s1])]));
  for (const [missed, expected] of [
    [1, []],
    [5, []],
    [6, [['s2', 7n]]],
    [9, [['s2', 7n]]],
  ] as const) {
    const run = new EngineRun();
    run.next(present(1000n));
    for (let count = 0; count < missed; count++) run.delta(absent(1000n + 10n * BigInt(count + 1)));
    const { profile } = run.delta(present(1000n + 10n * BigInt(missed)));
    assert.deepEqual(printSamples(readProfile(profile)), expected, `after ${missed} snapshots without it`);
  }
});

test('does not count a vanished sample as old amount a second time', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [100n]), sample('s2', [60n])])));
  assert.equal(run.delta(buildProfile(snapshot([sample('s1', [170n])]))).isReset, false);
  assert.equal(run.delta(buildProfile(snapshot([sample('s1', [175n])]))).isReset, false);
});

test('forgets vanished samples at a reset', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [100n]), sample('s2', [60n])])));
  run.delta(buildProfile(snapshot([sample('s1', [170n])])));
  assert.equal(run.delta(buildProfile(snapshot([sample('s1', [3n])]))).isReset, true);
  const { profile } = run.delta(buildProfile(snapshot([sample('s1', [3n]), sample('s2', [61n])])));
  assert.deepEqual(printSamples(readProfile(profile)), [['s2', 61n]]);
});
