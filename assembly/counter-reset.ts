// Whether the counters started again between two snapshots: the rules of src/delta/counter-reset.ts.

import { before, count, cumulative, entries, entryBytes, matchedBy } from './snapshot';

/** Exact sums of the cumulative columns in the order of the state, 16 bytes each, low half first. */
export const totals: usize = memory.data(32 * 16, 8);
/** The same of the state before. */
export const totalsBefore: usize = memory.data(32 * 16, 8);

let sumLow: u64 = 0;
let sumHigh: u64 = 0;

function add(value: u64): void {
  const low = sumLow + value;
  if (low < value) sumHigh++;
  sumLow = low;
}

export function sumTotals(): void {
  const end = entries + count * entryBytes;
  for (let column: u32 = 0; column < cumulative; column++) {
    sumLow = 0;
    sumHigh = 0;
    for (let at = entries + 8 + column * 8; at < end; at += entryBytes) add(load<u64>(at));
    store<u64>(totals + column * 16, sumLow);
    store<u64>(totals + column * 16, sumHigh, 8);
  }
}

/** `samplesBefore`: entries of the last snapshot, without those that vanished earlier. A main mapping of 0 isn't known. */
export function isCounterReset(samplesBefore: u32, mainMappingBefore: u64, mainMapping: u64): bool {
  if (mainMappingBefore !== 0 && mainMapping !== 0 && mainMappingBefore !== mainMapping) return true;
  for (let column: u32 = 0; column < cumulative; column++) {
    const low = load<u64>(totalsBefore + column * 16);
    const high = load<u64>(totalsBefore + column * 16, 8);
    if (isBelow(load<u64>(totals + column * 16), load<u64>(totals + column * 16, 8), low, high)) return true;
    sumLost(column, samplesBefore);
    // More than half of what was there.
    if (isBelow(low, high, sumLow << 1, (sumHigh << 1) | (sumLow >>> 63))) return true;
  }
  return false;
}

function isBelow(low: u64, high: u64, ofLow: u64, ofHigh: u64): bool {
  return high < ofHigh || (high === ofHigh && low < ofLow);
}

/** What fell or vanished since the last snapshot: the sum of max(0, before - now) over its samples. */
function sumLost(column: u32, samplesBefore: u32): void {
  sumLow = 0;
  sumHigh = 0;
  const place = 8 + column * 8;
  for (let entry: u32 = 0; entry < samplesBefore; entry++) {
    const was = load<u64>(before + entry * entryBytes + place);
    const sample = load<u32>(matchedBy + entry * 4);
    const is: u64 = sample === 0 ? 0 : load<u64>(entries + (sample - 1) * entryBytes + place);
    if (is < was) add(was - is);
  }
}
