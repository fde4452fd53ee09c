import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateSpacing } from '../../src/discovery/update-spacing.ts';

/** How long each update of a burst waits, where taking one in costs so much. */
function delaysOf(costsMs: readonly number[]): number[] {
  const spacing = new UpdateSpacing();
  let nowMs = 1_000_000;
  return costsMs.map((costMs) => {
    const delayMs = spacing.delayMs(nowMs);
    const startMs = nowMs + delayMs;
    nowMs = startMs + costMs;
    spacing.takenIn(startMs, nowMs);
    return delayMs;
  });
}

const bursts: readonly { costsMs: readonly number[]; delaysMs: readonly number[] }[] = [
  { costsMs: [0, 0, 0, 0], delaysMs: [0, 100, 100, 100] },
  { costsMs: [50, 50, 20, 0], delaysMs: [0, 450, 450, 180] },
  { costsMs: [1_000, 400, 0, 0], delaysMs: [0, 4_000, 3_600, 100] },
  { costsMs: [60_000, 0], delaysMs: [0, 0] },
];
for (const { costsMs, delaysMs } of bursts) {
  test(`updates that take ${costsMs.join(', ')} ms wait ${delaysMs.join(', ')} ms`, () => {
    assert.deepEqual(delaysOf(costsMs), delaysMs);
  });
}

test('an update after enough quiet does not wait', () => {
  const spacing = new UpdateSpacing();
  spacing.takenIn(1_000_000, 1_000_050);
  assert.equal(spacing.delayMs(1_000_400), 100);
  assert.equal(spacing.delayMs(1_000_500), 0);
});

test('a clock that is set back holds no update back for longer than otherwise', () => {
  const spacing = new UpdateSpacing();
  spacing.takenIn(10_000_000, 10_000_000);
  assert.equal(spacing.delayMs(10_000_000 - 3_600_000), 100);
  spacing.takenIn(10_000_000, 10_000_000 - 3_600_000);
  assert.equal(spacing.delayMs(10_000_000 - 3_600_000), 100);
});
