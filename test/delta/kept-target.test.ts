import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaState } from '../../src/delta/delta-state.ts';
import { keepTarget, stateArrays, trackedTarget } from '../../src/delta/kept-target.ts';
import type { TrackedTarget } from '../../src/delta/tracked-target.ts';

const STATE: DeltaState = {
  seed: { a: -1, b: 0x7fff_ffff },
  shape: 'alloc_space/bytes',
  columns: ['["alloc_objects","count"]', '["alloc_space","bytes"]'],
  // Half a million values of 2^63 - 1 are more than 64 bits.
  totals: [500_000n * (2n ** 63n - 1n), 2n ** 63n],
  mainMapping: [-5, 7],
  samples: 2,
  entries: Int32Array.from({ length: 18 }, (_, at) => (at - 9) * 123_456_789),
  patience: Uint8Array.of(5),
};

const TRACKED: TrackedTarget = {
  state: STATE,
  stamp: { targetNanos: 1_700_000_000_123_456_789n, wallMs: 1_700_000_000_123.25, monotonicMs: 77_000.5 },
  fingerprint: -1_700_000_000_123_456_789n,
  sinceReset: 3,
  calmNeeded: 4,
  hasGap: false,
};

const CASES: Readonly<Record<string, TrackedTarget>> = {
  'a state': TRACKED,
  'a state without samples': {
    ...TRACKED,
    state: { ...STATE, samples: 0, entries: new Int32Array(0), patience: new Uint8Array(0) },
  },
  'a state without cumulative columns': {
    ...TRACKED,
    state: { ...STATE, columns: [], totals: [], samples: 1, entries: Int32Array.of(1, 2), patience: new Uint8Array(0) },
  },
  'no state, a gap': { ...TRACKED, state: undefined, hasGap: true, calmNeeded: 0 },
  'no reset so far, a stamp of another process': {
    ...TRACKED,
    sinceReset: Number.POSITIVE_INFINITY,
    stamp: { targetNanos: 0n, wallMs: 5, monotonicMs: undefined },
  },
};

for (const [name, tracked] of Object.entries(CASES)) {
  test(`gives back ${name} as it was`, () => assert.deepEqual(trackedTarget(keepTarget(tracked)), tracked));
}

test('keeps a target in one buffer: 104 bytes beside its entries', () => {
  const { numbers } = keepTarget(TRACKED);
  assert.equal(numbers.byteLength, 104 + 18 * 4 + 1);
});

test('does not change what it was given when the target goes on', () => {
  const kept = keepTarget(TRACKED);
  assert.equal(trackedTarget(kept).state?.entries.buffer, kept.numbers, 'a view, no copy');
  assert.notEqual(STATE.entries.buffer, kept.numbers);
});

test('takes the buffer of a new state, and copies one that somebody else has', () => {
  const { entries, patience } = stateArrays(STATE.columns.length, STATE.entries.length, STATE.patience.length);
  entries.set(STATE.entries);
  patience.set(STATE.patience);
  const tracked = { ...TRACKED, state: { ...STATE, entries, patience } };
  const copied = keepTarget(tracked);
  assert.notEqual(copied.numbers, entries.buffer);
  const taken = keepTarget(tracked, true);
  assert.equal(taken.numbers, entries.buffer);
  for (const kept of [copied, taken]) assert.deepEqual(trackedTarget(kept), TRACKED);
});
