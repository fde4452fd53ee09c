import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillsInterval, gridOf, nextSlot, slotAfterAbsence, slotFrom, slotUntil } from '../../src/loop/slot.ts';

const grid = { phaseMs: 3_000, intervalMs: 10_000 };

test('the phase is the key modulo the interval', () => {
  assert.deepEqual(gridOf({ key: '21cd27718cc6af2c', scrapeIntervalMs: 10_000 }), {
    phaseMs: 5292,
    intervalMs: 10_000,
  });
  assert.deepEqual(gridOf({ key: 'dcdf4b2803633a5d', scrapeIntervalMs: 10_000 }), {
    phaseMs: 1901,
    intervalMs: 10_000,
  });
});

test('a slot is found before and after any time', () => {
  for (const { at, before, after } of [
    { at: 13_000, before: 13_000, after: 13_000 },
    { at: 13_001, before: 13_000, after: 23_000 },
    { at: 22_999, before: 13_000, after: 23_000 },
    { at: 1_000, before: -7_000, after: 3_000 },
  ]) {
    assert.equal(slotUntil(grid, at), before, `until ${at}`);
    assert.equal(slotFrom(grid, at), after, `from ${at}`);
  }
});

test('the first slot is where the wall clock says, whenever the program starts', () => {
  const own = gridOf({ key: '21cd27718cc6af2c', scrapeIntervalMs: 10_000 });
  assert.equal(slotFrom(own, 1_700_000_003_456) - 1_700_000_003_456, 1836);
});

const rows = [
  { name: 'a quick scrape: the next grid point', served: 13_000, end: 13_050, slot: 23_000, start: 23_000, missed: 0 },
  { name: 'ended on the grid point itself', served: 13_000, end: 23_000, slot: 23_000, start: 23_000, missed: 0 },
  { name: 'ended just after it: at once', served: 13_000, end: 23_200, slot: 23_000, start: 23_200, missed: 0 },
  { name: 'ended 1 s after it: too late for it', served: 13_000, end: 24_000, slot: 33_000, start: 33_000, missed: 1 },
  { name: 'overran several', served: 13_000, end: 55_000, slot: 63_000, start: 63_000, missed: 4 },
  {
    name: 'overran several, the last one only just',
    served: 13_000,
    end: 53_900,
    slot: 53_000,
    start: 53_900,
    missed: 3,
  },
  {
    name: 'ended before its own slot by the clock',
    served: 13_000,
    end: 12_900,
    slot: 23_000,
    start: 23_000,
    missed: 0,
  },
  {
    name: 'after a jump of the clock nothing was missed',
    served: undefined,
    end: 95_000,
    slot: 103_000,
    start: 103_000,
    missed: 0,
  },
];
for (const { name, served, end, slot, start, missed } of rows) {
  test(`the slot after a scrape: ${name}`, () => {
    assert.deepEqual(nextSlot(grid, served, end), { slotMs: slot, startMs: start, missed });
  });
}

test('a long interval allows a tenth of it', () => {
  const long = { phaseMs: 0, intervalMs: 60_000 };
  assert.equal(nextSlot(long, 0, 65_999).slotMs, 60_000);
  assert.equal(nextSlot(long, 0, 66_000).slotMs, 120_000);
});

test('a profile that takes its whole interval goes on without a break', () => {
  let end = 0;
  let served = slotFrom(grid, 0);
  const starts: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { slotMs, startMs, missed } = nextSlot(grid, served, end === 0 ? served + 10_050 : end);
    starts.push(startMs);
    assert.equal(missed, 0);
    served = slotMs;
    end = startMs + 10_050;
  }
  assert.deepEqual(starts, [13_050, 23_100, 33_150, 43_200, 53_250]);
});

test('only a profile whose seconds leave no time for the answer fills its interval', () => {
  assert.equal(fillsInterval({ seconds: 10, scrapeIntervalMs: 10_000 }), true);
  assert.equal(fillsInterval({ seconds: 9, scrapeIntervalMs: 10_000 }), false);
  assert.equal(fillsInterval({ seconds: undefined, scrapeIntervalMs: 10_000 }), false);
});

test('a profile that is not there is asked for ever more rarely, up to ten minutes', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 100].map((rounds) => slotAfterAbsence(grid, 13_000, 13_010, rounds) - 13_000);
  assert.deepEqual(waits, [20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000, 600_000]);
  const rare = { phaseMs: 0, intervalMs: 3_600_000 };
  assert.equal(slotAfterAbsence(rare, 0, 10, 5), 3_600_000);
});
