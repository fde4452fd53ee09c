import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elapsedNanos, type Stamp } from '../../src/delta/tracked-target.ts';

const FIRST: Stamp = { targetNanos: 0n, wallMs: 1_700_000_000_000, monotonicMs: 5_000 };

function later(wallMs: number, monotonicMs: number | undefined, targetNanos = 0n): Stamp {
  return { targetNanos, wallMs: FIRST.wallMs + wallMs, monotonicMs: monotonicMs && 5_000 + monotonicMs };
}

const CASES: readonly [name: string, to: Stamp, ms: number, from?: Stamp][] = [
  ['a drift of the wall clock stays in the interval, so that intervals adjoin', later(10_020, 10_000), 10_020],
  ['a wall clock set forth does not lengthen it', later(3_610_000, 10_000), 10_000],
  ['a wall clock set back does not shorten it', later(-3_590_000, 10_000), 10_000],
  ['a stamp of another process has the wall clock alone', later(10_000, undefined), 10_000],
  ['without a monotonic clock a wall clock set back gives nothing', later(-5_000, undefined), 0],
  [
    "the target's clock goes before ours",
    later(10_020, 10_000, 21_000_000_000n),
    11_000,
    { ...FIRST, targetNanos: 10_000_000_000n },
  ],
];

for (const [name, to, ms, from = FIRST] of CASES) {
  test(name, () => assert.equal(elapsedNanos(from, to), BigInt(ms) * 1_000_000n));
}
