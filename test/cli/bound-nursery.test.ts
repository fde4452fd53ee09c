import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { boundNursery } from '../../src/cli/bound-nursery.ts';

function nurseryBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return space?.space_size ?? Number.NaN;
}

test('the space for new objects does not grow any more, however much is made and kept for a while', () => {
  boundNursery();
  const before = nurseryBytes();
  let kept: number[][] = [];
  for (let round = 0; round < 200_000; round++) {
    kept.push([round, round + 1, round + 2, round + 3]);
    if (kept.length > 20_000) kept = [];
  }
  assert.ok(nurseryBytes() <= before, `${nurseryBytes()} bytes after ${before}`);
});
