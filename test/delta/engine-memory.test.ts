import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeDelta } from '../../src/delta/engine.ts';
import { DEFAULT_PROFILE_LIMITS } from '../../src/profile/limits.ts';
import { buildProfile } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { sample, snapshot } from '../support/sample-table.ts';

/** Samples `s<from>` to `s<to - 1>` that have all counted up to the same value. */
function stacks(from: number, to: number, value: bigint) {
  return Array.from({ length: to - from }, (_, at) => sample(`s${from + at}`, [value, 1n]));
}

function keptBytes({ state }: EngineRun): number {
  assert(state !== undefined);
  return state.entries.byteLength + state.patience.byteLength;
}

test('keeps a key and one number for each cumulative column of a sample', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot(stacks(0, 100, 5n))));
  assert.equal(keptBytes(run), 100 * (8 + 8));
});

test('gives back what vanished samples took once they are forgotten', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot(stacks(0, 200, 5n))));
  const most = stacks(0, 150, 50n);
  for (let count = 0; count < 6; count++) {
    assert.equal(run.delta(buildProfile(snapshot(most))).isReset, false);
    assert.ok(keptBytes(run) <= 200 * 17, `${keptBytes(run)} bytes after ${count + 1} snapshots`);
  }
  assert.equal(keptBytes(run), 150 * 16);
});

test('does not remember a vanished sample that never counted', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample('s1', [5n, 1n]), sample('s2', [0n, 9n])])));
  run.delta(buildProfile(snapshot([sample('s1', [5n, 1n])])));
  assert.equal(keptBytes(run), 16);
});

test('does not grow with stacks that come and go', () => {
  const run = new EngineRun();
  const lasting = stacks(0, 50, 1_000_000n);
  run.next(buildProfile(snapshot(lasting)));
  for (let round = 1; round <= 30; round++) {
    const passing = stacks(round * 100, round * 100 + 50, 1n);
    run.delta(buildProfile(snapshot([...lasting, ...passing])));
    assert.ok(keptBytes(run) <= (50 + 50 * 6) * 17, `${keptBytes(run)} bytes after ${round} rounds`);
  }
});

test('remembers no more vanished samples than a profile may have', () => {
  const limits = { ...DEFAULT_PROFILE_LIMITS, maxSamples: 60 };
  const plan = () => ({ columns: ['subtract', 'keep'] as const, timeNanos: 0n, durationNanos: 0n });
  const take = (samples: Parameters<typeof snapshot>[0], state?: EngineRun['state']) =>
    computeDelta({ profile: buildProfile(snapshot(samples)), state, plan, limits }).state;
  const lasting = stacks(0, 20, 1_000_000n);
  let state = take(lasting);
  for (let round = 1; round <= 4; round++) {
    state = take([...lasting, ...stacks(round * 100, round * 100 + 40, 1n)], state);
  }
  assert.equal(state.patience.length, 60);
});

test('leaves the state that it was given as it is', () => {
  const run = new EngineRun();
  run.next(buildProfile(snapshot(stacks(0, 20, 5n))));
  const { state } = run;
  const entries = state?.entries.slice();
  run.delta(buildProfile(snapshot(stacks(1, 30, 8n))));
  assert.deepEqual(state?.entries, entries);
});
