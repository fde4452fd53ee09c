import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeltaState } from '../../src/delta/delta-state.ts';
import { type KeptTarget, KeptTargets, stateArrays } from '../../src/delta/kept-targets.ts';
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
    state: {
      ...STATE,
      shape: '',
      columns: [],
      totals: [],
      samples: 1,
      entries: Int32Array.of(1, 2),
      patience: new Uint8Array(0),
    },
  },
  'no state, a gap': { ...TRACKED, state: undefined, hasGap: true, calmNeeded: 0 },
  'no reset so far, a stamp of another process': {
    ...TRACKED,
    sinceReset: Number.POSITIVE_INFINITY,
    stamp: { targetNanos: 0n, wallMs: 5, monotonicMs: undefined },
  },
};

/** More than a slab takes. */
const LARGE: TrackedTarget = { ...TRACKED, state: { ...STATE, samples: 200, ...filledArrays(201, 1) } };

for (const [name, tracked] of Object.entries({ ...CASES, 'a large state': LARGE })) {
  test(`gives back ${name} as it was`, () => {
    const kept = new KeptTargets();
    assert.deepEqual(kept.get(kept.put(tracked)), tracked);
  });
}

test('notes a gap', () => {
  const kept = new KeptTargets();
  const target = kept.put(TRACKED);
  kept.noteGap(target);
  assert.deepEqual(kept.get(target), { ...TRACKED, hasGap: true });
});

test('takes a copy of what somebody else has, and the buffer of a large new state', () => {
  const kept = new KeptTargets();
  const copied = kept.get(kept.put(LARGE)).state?.entries.buffer;
  const taken = kept.get(kept.put(LARGE, true)).state?.entries.buffer;
  assert.ok(copied !== LARGE.state?.entries.buffer);
  assert.ok(taken === LARGE.state?.entries.buffer);
});

test('small states share memory, whether their own buffer is new or not', () => {
  const kept = new KeptTargets();
  const tracked = { ...TRACKED, state: { ...STATE, ...filledArrays(3, 1) } };
  const states = [TRACKED, tracked].map((one) => kept.get(kept.put(one, true)).state);
  assert.ok(states[0]?.entries.buffer === states[1]?.entries.buffer);
});

test('targets that come, go on and go leave all others as they were', () => {
  const shapes = ['a', 'b', 'c'].map((shape, at) => ({ shape, columns: Array.from({ length: at }, () => shape) }));
  const changes = fc.array(
    fc.record({
      name: fc.nat(12),
      isGone: fc.boolean(),
      hasGap: fc.boolean(),
      isNew: fc.boolean(),
      shape: fc.constantFrom(undefined, ...shapes),
      samples: fc.oneof(fc.nat(12), fc.nat(200)),
      vanished: fc.nat(3),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(changes, (all) => {
      const kept = new KeptTargets();
      const places = new Map<number, KeptTarget>();
      const model = new Map<number, TrackedTarget>();
      all.forEach(({ name, isGone, hasGap, isNew, shape, samples, vanished }, step) => {
        const before = places.get(name);
        if (isGone) {
          places.delete(name);
          model.delete(name);
        } else {
          const tracked = trackedOf(step, shape, samples, vanished);
          model.set(name, { ...tracked, hasGap });
          places.set(name, kept.put(trackedOf(step, shape, samples, vanished), isNew));
          if (hasGap) kept.noteGap(places.get(name)!);
        }
        // As the tracker does it: what was before goes when the new one is safe.
        if (before !== undefined) kept.free(before);
        for (const [other, tracked] of model) assert.deepEqual(kept.get(places.get(other)!), tracked);
      });
    }),
  );
});

function trackedOf(
  seed: number,
  shape: Pick<DeltaState, 'shape' | 'columns'> | undefined,
  samples: number,
  vanished: number,
): TrackedTarget {
  const tracked = { ...TRACKED, fingerprint: BigInt(seed) };
  if (shape === undefined) return { ...tracked, state: undefined };
  const columns = shape.columns.length;
  const { entries, patience } = stateArrays(columns, (samples + vanished) * (2 + columns * 2), vanished);
  entries.forEach((_, at) => {
    entries[at] = seed * 1_000_003 + at;
  });
  const totals = shape.columns.map((_, at) => BigInt(seed) ** 3n + BigInt(at));
  return { ...tracked, state: { ...STATE, ...shape, totals, samples, entries, patience: patience.fill(seed) } };
}

/** As the engine makes them, with the columns of `STATE`. */
function filledArrays(count: number, vanished: number): Pick<DeltaState, 'entries' | 'patience'> {
  const { entries, patience } = stateArrays(STATE.columns.length, count * 6, vanished);
  entries.forEach((_, at) => {
    entries[at] = at * 77_777;
  });
  return { entries, patience: patience.fill(3) };
}
