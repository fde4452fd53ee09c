// What src/wasm calls. One profile at a time: begin, take room for it, index it, then check the rest of it or make a delta.

import { seedHash } from './content-hash';
import { isCounterReset, sumTotals } from './counter-reset';
import { clamped, emitProfile, output, outputBytes, samplesWritten } from './emit';
import { header, request, result } from './exchange';
import { areLocationsGood, hashLocations, hashMainMapping } from './locations';
import { forgetVanished, keepVanished, patience, vanishedCount } from './next-state';
import {
  areFunctionsGood,
  endOf,
  functionCount,
  hasPeriodType,
  indexProfile,
  locationCount,
  mappingCount,
  periodTypeString,
  periodUnitString,
  readMappings,
  STRING,
  sampleCount,
  sampleTypeCount,
  sampleTypeStrings,
  scalar,
  startOf,
  stringCount,
} from './profile-index';
import { areSamplesGood, startSamples } from './samples';
import { count, entries, takeSnapshot } from './snapshot';

export { totals, totalsBefore } from './counter-reset';
export { header, request, result } from './exchange';
export { gunzip, gzip, gzipBound } from './gzip';
export { begin, giveBack, take } from './memory';
export { columnPlaces } from './snapshot';

/**
 * Indexes a profile (ten readable bytes must follow it) and tells of it in `header`. False: not an ordinary profile, or no
 * memory; src/delta decides then.
 */
export function index(profile: usize, length: u32, maxStringBytes: u32): bool {
  if (!indexProfile(profile, length, maxStringBytes)) return false;
  store<u32>(header, sampleTypeCount());
  store<u32>(header, sampleCount(), 4);
  store<u32>(header, mappingCount(), 8);
  store<u32>(header, locationCount(), 12);
  store<u32>(header, functionCount(), 16);
  store<u32>(header, stringCount(), 20);
  store<u32>(header, hasPeriodType ? 1 : 0, 24);
  store<u32>(header, <u32>scalar(14), 28);
  store<u64>(header, scalar(9), 32);
  store<u64>(header, scalar(10), 40);
  store<u64>(header, scalar(12), 48);
  tellString(56, <u32>scalar(14));
  tellString(64, periodTypeString);
  tellString(72, periodUnitString);
  for (let type: u32 = 0; type < sampleTypeCount(); type++) {
    tellString(80 + type * 16, load<u32>(sampleTypeStrings + type * 8));
    tellString(88 + type * 16, load<u32>(sampleTypeStrings + type * 8, 4));
  }
  return true;
}

/** Where a string lies; those of the header are few. */
function tellString(at: usize, string: u32): void {
  store<u32>(header + at, <u32>startOf(STRING, string));
  store<u32>(header + at, <u32>endOf(STRING, string), 4);
}

/** Checks what `index` did not. False: something is not ordinary, or wrong. */
export function check(maxStackDepth: u32, maxLabels: u32, maxReferences: u32): bool {
  if (readMappings() === 0 || !areFunctionsGood() || !areLocationsGood()) return false;
  startSamples(0, 0, 0, maxStackDepth, maxLabels, maxReferences);
  return areSamplesGood();
}

/** Does what `request` says with the indexed profile, and tells in `result` what came of it. False to give up, as above. */
export function makeDelta(): bool {
  const seedA = load<u32>(request);
  const seedB = load<u32>(request, 4);
  const hasBefore = load<u32>(request, 8) !== 0;
  const samplesBefore = load<u32>(request, 16);
  const vanishedBefore = load<u32>(request, 20);
  seedHash(seedA, seedB);
  const mappings = readMappings();
  if (mappings === 0 || !areFunctionsGood()) return false;
  const hashes = hashLocations(mappings);
  if (hashes === 0) return false;
  startSamples(hashes, seedA, seedB, load<u32>(request, 36), load<u32>(request, 40), load<u32>(request, 44));
  if (!takeSnapshot(load<u32>(request, 12), samplesBefore + vanishedBefore)) return false;
  sumTotals();
  const mainMapping = hashMainMapping(mappings);
  const isReset = hasBefore && isCounterReset(samplesBefore, load<u64>(request, 28), mainMapping);
  forgetVanished();
  if (hasBefore && !isReset) {
    const patienceBefore = load<u32>(request, 24);
    if (!keepVanished(samplesBefore, patienceBefore, load<u32>(request, 52), load<u32>(request, 48))) return false;
  }
  store<u32>(result, count);
  store<u32>(result, vanishedCount, 4);
  store<u32>(result, <u32>entries, 8);
  store<u32>(result, <u32>patience, 12);
  store<u64>(result, mainMapping, 16);
  store<u32>(result, isReset ? 1 : 0, 24);
  if (!hasBefore) return true;
  const times = load<u64>(request, 64);
  if (!emitProfile(mappings, !isReset, times, load<u64>(request, 72), load<u32>(request, 56))) return false;
  store<u32>(result, clamped, 28);
  store<u32>(result, <u32>output, 32);
  store<u32>(result, outputBytes, 36);
  store<u32>(result, samplesWritten, 40);
  return true;
}
