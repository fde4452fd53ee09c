// The distinct samples of one profile, duplicates summed, each matched with its entry in the state before.
//
// The samples are written as the entries of the next state right away: key, then the cumulative values in the order of the
// state's columns, 8 bytes each. Values of other columns lie beside them. As src/delta/snapshot.ts does it.

import { giveBack, take } from './memory';
import { sampleCount, sampleTypeCount } from './profile-index';
import { key, readSample, values } from './samples';

/** Where each column's values go, by the profile's order: from 0 the place in an entry, KEEP beside it, DROP nowhere. */
export const columnPlaces: usize = memory.data(32 * 4, 4);
export const KEEP: i32 = -1;
export const DROP: i32 = -2;

/** Distinct samples. */
export let count: u32 = 0;
/** Entries of the next state; there is room for those that vanished behind those of this profile. */
export let entries: usize = 0;
/** Bytes of an entry. */
export let entryBytes: u32 = 0;
/** Numbers of cumulative and of kept columns. */
export let cumulative: u32 = 0;
export let kept: u32 = 0;
/** Values of the kept columns of each sample. */
export let keptValues: usize = 0;
/** For each sample the first message that it comes from. */
export let messages: usize = 0;
/** For each sample its entry in the state before, from 1; 0 if it has none there. */
export let matches: usize = 0;
/** For each entry of the state before its sample here, from 1; 0 if it has none. */
export let matchedBy: usize = 0;

export let before: usize = 0;
export let beforeCount: u32 = 0;

let hasDropped: bool = false;
let cursor: u32 = 0;
/** From keys to entries of the state before and samples, numbered on from those, from 1. Open addressing; 0: not built. */
let table: usize = 0;
let mask: u32 = 0;

/** Reads all samples. `columnPlaces` must be set. False to give up. */
export function takeSnapshot(entriesBefore: usize, entryCount: u32): bool {
  const samples = sampleCount();
  countColumns();
  before = entriesBefore;
  beforeCount = entryCount;
  count = 0;
  cursor = 0;
  table = 0;
  entries = take((samples + entryCount) * entryBytes);
  keptValues = take(samples * kept * 8);
  messages = take(samples * 4);
  matches = take(samples * 4);
  matchedBy = take(entryCount * 4);
  if (entries === 0 || keptValues === 0 || messages === 0 || matches === 0 || matchedBy === 0) return false;
  memory.fill(matchedBy, 0, entryCount * 4);
  for (let sample: u32 = 0; sample < samples; sample++) {
    if (!readSample(sample)) return false;
    const isExpected =
      cursor < beforeCount &&
      load<u64>(before + cursor * entryBytes) === key &&
      load<u32>(matchedBy + cursor * 4) === 0;
    if (isExpected) {
      cursor++;
      addSample(sample, cursor);
    } else if (!findSample(sample)) {
      return false;
    }
  }
  if (table !== 0) giveBack(table);
  return true;
}

function countColumns(): void {
  cumulative = 0;
  kept = 0;
  hasDropped = false;
  for (let column: u32 = 0; column < sampleTypeCount(); column++) {
    const place = load<i32>(columnPlaces + column * 4);
    if (place >= 0) cumulative++;
    else if (place === KEEP) kept++;
    else hasDropped = true;
  }
  entryBytes = 8 + cumulative * 8;
}

/** Adds the sample that was read; `match`: its entry in the state before, from 1, or 0. */
function addSample(message: u32, match: u32): void {
  const sample = count++;
  const entry = entries + sample * entryBytes;
  let beside = keptValues + sample * kept * 8;
  store<u64>(entry, key);
  for (let column: u32 = 0; column < sampleTypeCount(); column++) {
    const place = load<i32>(columnPlaces + column * 4);
    const value = load<u64>(values + column * 8);
    if (place >= 0) store<u64>(entry + place * 8, value, 8);
    else if (place === KEEP) {
      store<u64>(beside, value);
      beside += 8;
    }
  }
  store<u32>(messages + sample * 4, message);
  store<u32>(matches + sample * 4, match);
  if (match !== 0) store<u32>(matchedBy + (match - 1) * 4, count);
}

/** Looks for the sample among the entries of the state before and among those that are new. */
function findSample(message: u32): bool {
  if (table === 0 && !buildTable()) return false;
  let place = <u32>key & mask;
  for (;;) {
    const found = load<u32>(table + place * 4);
    if (found === 0) break;
    if (found <= beforeCount) {
      if (load<u64>(before + (found - 1) * entryBytes) === key) {
        const known = load<u32>(matchedBy + (found - 1) * 4);
        if (known !== 0) return sumInto(known - 1);
        cursor = found;
        addSample(message, found);
        return true;
      }
    } else {
      const known = found - beforeCount - 1;
      if (load<u64>(entries + known * entryBytes) === key) return sumInto(known);
    }
    place = (place + 1) & mask;
  }
  addSample(message, 0);
  store<u32>(table + place * 4, beforeCount + count);
  return true;
}

/** At most two thirds full. The keys of the state before differ from each other. */
function buildTable(): bool {
  const most = beforeCount + sampleCount();
  let capacity: u32 = 64;
  while (capacity < most + (most >>> 1)) capacity <<= 1;
  table = take(capacity * 4);
  if (table === 0) return false;
  memory.fill(table, 0, capacity * 4);
  mask = capacity - 1;
  for (let entry: u32 = 0; entry < beforeCount; entry++) {
    let place = load<u32>(before + entry * entryBytes) & mask;
    while (load<u32>(table + place * 4) !== 0) place = (place + 1) & mask;
    store<u32>(table + place * 4, entry + 1);
  }
  return true;
}

/** Adds the duplicate that was read to the sample that came first. A sum of more than an int64 is left to give a name to. */
function sumInto(sample: u32): bool {
  if (hasDropped) return false;
  const entry = entries + sample * entryBytes;
  let beside = keptValues + sample * kept * 8;
  for (let column: u32 = 0; column < sampleTypeCount(); column++) {
    const place = load<i32>(columnPlaces + column * 4);
    let at = beside;
    if (place >= 0) at = entry + 8 + place * 8;
    else beside += 8;
    const sum = load<i64>(at) + load<i64>(values + column * 8);
    if (sum < 0) return false;
    store<i64>(at, sum);
  }
  return true;
}
