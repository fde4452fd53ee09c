// The samples of the state before that this profile lacks and that are still remembered: src/delta/next-state.ts tells why.

import { take } from './memory';
import { before, beforeCount, count, entries, entryBytes, matchedBy } from './snapshot';

/** How many of them there are; their entries lie behind those of the samples. */
export let vanishedCount: u32 = 0;
/** In how many more snapshots each may be missing, a byte each. */
export let patience: usize = 0;

export function forgetVanished(): void {
  vanishedCount = 0;
  patience = 0;
}

/**
 * Those that vanished now come first, so that the oldest fall out where there are more than `max`. `firstPatience` is given
 * to them. False where there is no memory.
 */
export function keepVanished(samplesBefore: u32, patienceBefore: usize, firstPatience: u32, max: u32): bool {
  vanishedCount = 0;
  patience = take(beforeCount);
  if (patience === 0) return false;
  for (let entry: u32 = 0; entry < beforeCount && vanishedCount < max; entry++) {
    if (load<u32>(matchedBy + entry * 4) !== 0) continue;
    const left: u32 = entry < samplesBefore ? firstPatience : <u32>load<u8>(patienceBefore + entry - samplesBefore) - 1;
    const from = before + entry * entryBytes;
    if (left === 0 || !hasValue(from)) continue;
    memory.copy(entries + (count + vanishedCount) * entryBytes, from, entryBytes);
    store<u8>(patience + vanishedCount, <u8>left);
    vanishedCount++;
  }
  return true;
}

/** One whose values were all 0 is the same as one that never was. */
function hasValue(entry: usize): bool {
  let bits: u64 = 0;
  for (let at: usize = 8; at < entryBytes; at += 8) bits |= load<u64>(entry + at);
  return bits !== 0;
}
