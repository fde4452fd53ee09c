import { type DeltaState, entrySize } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';
import type { Subtraction } from './subtract.ts';

/**
 * Whether the counters started again between the two snapshots. Within one process cumulative values don't fall, so the
 * total of a column that fell, or more than half of the old amount fallen or vanished sample by sample, is a restart; so is
 * another program in the main mapping. A few samples that fell are not: Go before 1.18 could name one stack in two ways,
 * which shows as a fall here and a rise there. Taking that for a restart would report a whole process lifetime as one interval.
 */
export function isCounterReset(
  state: DeltaState,
  snapshot: Snapshot,
  { totals, fallen }: Subtraction,
  mainMapping: readonly [a: number, b: number],
): boolean {
  const [a, b] = state.mainMapping;
  const areKnown = (a | b) !== 0 && (mainMapping[0] | mainMapping[1]) !== 0;
  if (areKnown && (a !== mainMapping[0] || b !== mainMapping[1])) return true;
  return totals.some((total, column) => {
    const before = state.totals[column]!;
    return total < before || (fallen[column]! + vanishedAmount(state, snapshot, column)) * 2n > before;
  });
}

/** What the samples of the last snapshot that this one hasn't got had of a column. */
function vanishedAmount({ columns, entries, samples }: DeltaState, { matchedBy }: Snapshot, column: number): bigint {
  const size = entrySize(columns.length);
  // Sums of halves, exact for up to 2^21 samples without a BigInt for each.
  let sumLo = 0;
  let sumHi = 0;
  for (let entry = 0; entry < samples; entry++) {
    if (matchedBy[entry]! >= 0) continue;
    const at = entry * size + 2 + column * 2;
    sumLo += entries[at]! >>> 0;
    sumHi += entries[at + 1]!;
  }
  return (BigInt(sumHi) << 32n) + BigInt(sumLo);
}
