import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaState } from '../../src/delta/delta-state.ts';
import { Snapshot } from '../../src/delta/snapshot.ts';

const state: DeltaState = {
  seed: { a: 0, b: 0 },
  shape: '',
  columns: ['one column'],
  totals: [3n],
  mainMapping: [0, 0],
  samples: 2,
  // Two entries of one key half, each with the value 1 or 2.
  entries: Int32Array.of(5, 6, 1, 0, 5, 7, 2, 0),
  patience: new Uint8Array(0),
};

function add(snapshot: Snapshot, message: number, a: number, b: number): void {
  snapshot.values[snapshot.nextValues] = 1;
  snapshot.values[snapshot.nextValues + 1] = 0;
  snapshot.add(message, a, b);
}

test('samples whose keys share one half are two', () => {
  const snapshot = new Snapshot();
  snapshot.start(undefined, 1, 4);
  for (const [message, [a, b]] of [
    [5, 6],
    [5, 7],
    [4, 6],
    [5, 6],
  ].entries())
    add(snapshot, message, a ?? 0, b ?? 0);
  assert.equal(snapshot.count, 3);
  assert.deepEqual(
    [0, 1, 2].map((sample) => snapshot.messageOf(sample)),
    [0, 1, 2],
  );
  assert.deepEqual([...snapshot.values.subarray(0, 6)], [2, 0, 1, 0, 1, 0], 'the last one was added to the first');
});

test('samples are matched with entries by both halves, in whatever order they come', () => {
  for (const order of [
    [6, 7, 8],
    [7, 6, 8],
    [8, 7, 6],
  ]) {
    const snapshot = new Snapshot();
    snapshot.start(state, 1, 3);
    for (const [message, half] of order.entries()) add(snapshot, message, 5, half);
    const matches = order.map((half) => (half === 8 ? -1 : half - 6));
    assert.deepEqual([...snapshot.matches.subarray(0, 3)], matches);
    assert.deepEqual([...snapshot.matchedBy.subarray(0, 2)], [order.indexOf(6), order.indexOf(7)]);
  }
});
