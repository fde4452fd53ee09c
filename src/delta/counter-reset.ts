import { type DeltaState, entrySize } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';

/** Adds up 64-bit numbers from their halves: exact for up to 2^21 of them, without a BigInt for each. */
class Sum {
  lo = 0;
  hi = 0;

  add(lo: number, hi: number): void {
    this.lo += lo >>> 0;
    this.hi += hi;
  }

  total(): bigint {
    return (BigInt(this.hi) << 32n) + BigInt(this.lo);
  }
}

/** Exact sum of each cumulative column; `order` has the profile's column for each. */
export function cumulativeTotals(snapshot: Snapshot, order: readonly number[]): bigint[] {
  return order.map((column) => {
    const sum = new Sum();
    const values = snapshot.values;
    const end = snapshot.count * snapshot.columns * 2;
    for (let at = column * 2; at < end; at += snapshot.columns * 2) sum.add(values[at]!, values[at + 1]!);
    return sum.total();
  });
}

/**
 * Whether the counters started again between the two snapshots. Within one process cumulative values don't fall, so the
 * total of a column that fell, or more than half of the old amount fallen or vanished sample by sample, is a restart; so is
 * another program in the main mapping. A few samples that fell are not: Go before 1.18 could name one stack in two ways,
 * which shows as a fall here and a rise there. Taking that for a restart would report a whole process lifetime as one interval.
 */
export function isCounterReset(
  state: DeltaState,
  snapshot: Snapshot,
  order: readonly number[],
  totals: readonly bigint[],
  mainMapping: readonly [a: number, b: number],
): boolean {
  const [a, b] = state.mainMapping;
  const areKnown = (a | b) !== 0 && (mainMapping[0] | mainMapping[1]) !== 0;
  if (areKnown && (a !== mainMapping[0] || b !== mainMapping[1])) return true;
  return order.some((column, at) => {
    const before = state.totals[at]!;
    return totals[at]! < before || lostAmount(state, at, snapshot, column) * 2n > before;
  });
}

/** What fell or vanished since the last snapshot: the sum of max(0, before - now) over its samples. */
function lostAmount(state: DeltaState, stateColumn: number, snapshot: Snapshot, column: number): bigint {
  const lost = new Sum();
  const { entries } = state;
  const { matchedBy } = snapshot;
  const values = snapshot.values;
  const size = entrySize(state.columns.length);
  for (let entry = 0; entry < state.samples; entry++) {
    const at = entry * size + 2 + stateColumn * 2;
    const beforeLo = entries[at]!;
    const beforeHi = entries[at + 1]!;
    const sample = matchedBy[entry]!;
    if (sample < 0) {
      lost.add(beforeLo, beforeHi);
      continue;
    }
    const now = (sample * snapshot.columns + column) * 2;
    const lo = values[now]!;
    const hi = values[now + 1]!;
    if (hi < beforeHi || (hi === beforeHi && lo >>> 0 < beforeLo >>> 0)) {
      const borrow = beforeLo >>> 0 < lo >>> 0 ? 1 : 0;
      lost.add((beforeLo - lo) | 0, beforeHi - hi - borrow);
    }
  }
  return lost.total();
}
