import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SampleType } from '../../src/profile/sample-type.ts';
import { buildProfile, type ProfileSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { ALLOC_SPACE, INUSE_SPACE, sample, snapshot } from '../support/sample-table.ts';

type Values = number | readonly number[];
type Stacks = Readonly<Record<string, Values>> | readonly (readonly [string, Values])[];

interface Vector {
  readonly id: string;
  readonly why: string;
  readonly cols?: readonly SampleType[];
  readonly prev: Stacks;
  readonly cur: Stacks;
  readonly delta: Readonly<Record<string, Values>>;
  readonly reset?: boolean;
  /** Samples set to 0. */
  readonly clamped?: number;
}

const BOTH = [ALLOC_SPACE, INUSE_SPACE];

const vectors: readonly Vector[] = [
  { id: 'D01', why: 'counts on', prev: { a: 10 }, cur: { a: 15 }, delta: { a: 5 } },
  { id: 'D02', why: 'a new stack', prev: { a: 10 }, cur: { a: 10, b: 7 }, delta: { b: 7 } },
  { id: 'D03', why: 'nothing happened', prev: { a: 10 }, cur: { a: 10 }, delta: {} },
  { id: 'D04', why: 'the total fell', prev: { a: 100, b: 50 }, cur: { a: 3 }, delta: { a: 3 }, reset: true },
  {
    id: 'D05',
    why: 'a small decrease is clamped',
    prev: { a: 100, b: 50 },
    cur: { a: 160, b: 49 },
    delta: { a: 60 },
    clamped: 1,
  },
  {
    id: 'D06',
    why: 'more than half of the old amount vanished',
    prev: { a: 100 },
    cur: { b: 150 },
    delta: { b: 150 },
    reset: true,
  },
  {
    id: 'D07',
    why: 'duplicate samples are summed first',
    prev: { a: 10 },
    cur: [
      ['a', 5],
      ['a', 7],
    ],
    delta: { a: 2 },
  },
  {
    id: 'D08',
    why: 'an instantaneous value is the current one',
    cols: BOTH,
    prev: { a: [100, 40] },
    cur: { a: [100, 30] },
    delta: { a: [0, 30] },
  },
  { id: 'D09', why: 'all zero', cols: BOTH, prev: { a: [100, 40] }, cur: { a: [100, 0] }, delta: {} },
  { id: 'D11', why: 'an empty baseline', prev: {}, cur: { a: 5 }, delta: { a: 5 } },
  {
    id: 'D15',
    why: 'no more than half vanished',
    prev: { a: 100, b: 50 },
    cur: { a: 100, c: 80 },
    delta: { c: 80 },
  },
  // On the edges of the two rules.
  {
    id: 'sum =',
    why: 'an equal total is none',
    prev: { a: 10, b: 10 },
    cur: { a: 0, b: 20 },
    delta: { b: 10 },
    clamped: 1,
  },
  {
    id: 'sum <',
    why: 'one less is',
    prev: { a: 10, b: 10 },
    cur: { a: 9, b: 10 },
    delta: { a: 9, b: 10 },
    reset: true,
  },
  { id: 'half =', why: 'half is none', prev: { a: 6, b: 6 }, cur: { a: 6, c: 9 }, delta: { c: 9 } },
  {
    id: 'half >',
    why: 'more than half is',
    prev: { a: 6, b: 7 },
    cur: { a: 6, c: 9 },
    delta: { a: 6, c: 9 },
    reset: true,
  },
  {
    id: 'odd half',
    why: 'halves are not rounded',
    prev: { a: 1, b: 1, c: 1 },
    cur: { a: 1, d: 5 },
    delta: { a: 1, d: 5 },
    reset: true,
  },
  {
    id: 'second column',
    why: 'any cumulative column is evidence',
    cols: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    prev: { a: [5, 1000] },
    cur: { a: [6, 900] },
    delta: { a: [6, 900] },
    reset: true,
  },
  {
    id: 'inuse fell',
    why: 'an instantaneous column is no evidence',
    cols: BOTH,
    prev: { a: [100, 4000] },
    cur: { a: [101, 1] },
    delta: { a: [1, 1] },
  },
];

function profile(stacks: Stacks, cols: readonly SampleType[] = [ALLOC_SPACE]): ProfileSpec {
  const entries = Array.isArray(stacks) ? stacks : Object.entries(stacks);
  return snapshot(
    entries.map(([stack, values]) => sample(stack, [values].flat().map(BigInt))),
    { sampleTypes: cols },
  );
}

for (const { id, why, cols, prev, cur, delta, reset = false, clamped = 0 } of vectors) {
  test(`${id}: ${why}`, () => {
    const run = new EngineRun();
    assert.equal(run.next(buildProfile(profile(prev, cols))).kind, 'baseline');
    const result = run.delta(buildProfile(profile(cur, cols)));
    assert.deepEqual(
      printSamples(readProfile(result.profile)),
      Object.entries(delta).map(([stack, values]) => [stack, ...[values].flat().map(BigInt)]),
    );
    assert.equal(result.isReset, reset);
    assert.equal(result.clamped, clamped);
  });
}

test('D05: the baseline moves to the value that fell', () => {
  const run = new EngineRun();
  run.next(buildProfile(profile({ a: 100, b: 50 })));
  run.next(buildProfile(profile({ a: 160, b: 49 })));
  assert.deepEqual(printSamples(readProfile(run.delta(buildProfile(profile({ a: 160, b: 52 }))).profile)), [['b', 3n]]);
});
