import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { boundHeap } from '../../src/cli/bound-heap.ts';

function nurseryBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return space?.space_size ?? Number.NaN;
}

/** Makes short lists, and keeps the last ones. */
function makeLists(count: number): void {
  let kept: number[][] = [];
  for (let round = 0; round < count; round++) {
    kept.push([round, round + 1, round + 2, round + 3]);
    if (kept.length > 20_000) kept = [];
  }
}

test('the space for new objects does not grow any more, however much is made and kept for a while', () => {
  boundHeap();
  // Of its two halves the second one is only taken when objects are first moved there.
  makeLists(10_000);
  const before = nurseryBytes();
  makeLists(200_000);
  assert.ok(nurseryBytes() <= before, `${nurseryBytes()} bytes after ${before}`);
});

test('old objects that are of no more use are collected before they are as much as what is in use', () => {
  boundHeap();
  const count = 20_000;
  const listBytes = 3200;
  const listOf = (value: number) => new Array<number>(listBytes / 8).fill(value);
  const held = Array.from({ length: count }, (_, index) => listOf(index));
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  // Each lives long enough to become old.
  for (let round = 0; round < 8 * count; round++) {
    held[round % count] = listOf(round);
    if (round % 100 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
  }
  assert.ok(most - before < count * listBytes, `${most - before} bytes beside ${count * listBytes} in use`);
});

test('old objects are moved together where two fifths of the room around them are free', () => {
  boundHeap();
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const count = 50_000;
  const held = Array.from({ length: count }, (_, index): number[] | undefined => new Array<number>(100).fill(index));
  collect();
  for (let index = 0; index < count; index++) if (index % 5 < 2) held[index] = undefined;
  for (let round = 0; round < 12; round++) collect();
  assert.ok(freeShareOfOldSpace() < 0.3, `${freeShareOfOldSpace()} free with ${held.length}`);
});

function freeShareOfOldSpace(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return space === undefined ? Number.NaN : 1 - space.space_used_size / space.space_size;
}
