// What src/wasm calls. One profile at a time: begin, take room for it, index it, then check the rest of it or make a delta.

import { seedHash } from './content-hash';
import { isCounterReset, sumTotals } from './counter-reset';
import { clamped, emitProfile, output, outputBytes, samplesWritten } from './emit';
import { HEADER, header, REQUEST, RESULT, request, result } from './exchange';
import { areLocationsGood, hashLocations, hashMainMapping } from './locations';
import { forgetVanished, keepVanished, patience, vanishedCount } from './next-state';
import {
  endOf,
  functionCount,
  hasPeriodType,
  indexProfile,
  locationCount,
  mappingCount,
  periodTypeString,
  periodUnitString,
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
export { header, LAYOUT as layout, request, result } from './exchange';
export { gunzip, gzip, gzipBound } from './gzip';
export { begin, giveBack, take } from './memory';
export { columnPlaces } from './snapshot';

/**
 * Indexes a profile (ten readable bytes must follow it) and tells of it in `header`. False: not an ordinary profile, or no
 * memory; src/delta decides then.
 */
export function index(profile: usize, length: u32): bool {
  if (!indexProfile(profile, length)) return false;
  store<u32>(header + HEADER.sampleTypes, sampleTypeCount());
  store<u32>(header + HEADER.samples, sampleCount());
  store<u32>(header + HEADER.mappings, mappingCount());
  store<u32>(header + HEADER.locations, locationCount());
  store<u32>(header + HEADER.functions, functionCount());
  store<u32>(header + HEADER.strings, stringCount());
  store<u32>(header + HEADER.hasPeriodType, hasPeriodType ? 1 : 0);
  store<u32>(header + HEADER.defaultSampleType, <u32>scalar(14));
  store<u64>(header + HEADER.timeNanos, scalar(9));
  store<u64>(header + HEADER.durationNanos, scalar(10));
  store<u64>(header + HEADER.period, scalar(12));
  tellString(HEADER.defaultSampleTypeText, <u32>scalar(14));
  tellString(HEADER.periodType, periodTypeString);
  tellString(HEADER.periodUnit, periodUnitString);
  for (let type: u32 = 0; type < sampleTypeCount(); type++) {
    const strings = sampleTypeStrings + type * 8;
    tellString(HEADER.firstSampleType + type * 16, load<u32>(strings));
    tellString(HEADER.firstSampleType + type * 16 + 8, load<u32>(strings, 4));
  }
  return true;
}

/** Where a string lies. */
function tellString(field: usize, string: u32): void {
  store<u32>(header + field, <u32>startOf(STRING, string));
  store<u32>(header + field, <u32>endOf(STRING, string), 4);
}

/** Checks what `index` did not: locations and samples. False: something is not ordinary, or wrong. */
export function check(maxStackDepth: u32, maxLabels: u32): bool {
  if (!areLocationsGood()) return false;
  startSamples(0, 0, 0, maxStackDepth, maxLabels);
  return areSamplesGood();
}

/** Does what `request` says with the indexed profile, and tells in `result` what came of it. False to give up, as above. */
export function makeDelta(): bool {
  const seedA = load<u32>(request + REQUEST.seed);
  const seedB = load<u32>(request + REQUEST.seed, 4);
  const hasBefore = load<u32>(request + REQUEST.hasBefore) !== 0;
  const samplesBefore = load<u32>(request + REQUEST.samples);
  const vanishedBefore = load<u32>(request + REQUEST.vanished);
  seedHash(seedA, seedB);
  const hashes = hashLocations();
  if (hashes === 0) return false;
  startSamples(
    hashes,
    seedA,
    seedB,
    load<u32>(request + REQUEST.maxStackDepth),
    load<u32>(request + REQUEST.maxLabels),
  );
  if (!takeSnapshot(load<u32>(request + REQUEST.entries), samplesBefore + vanishedBefore)) return false;
  sumTotals();
  const mainMapping = hashMainMapping();
  const isReset = hasBefore && isCounterReset(samplesBefore, load<u64>(request + REQUEST.mainMapping), mainMapping);
  forgetVanished();
  if (hasBefore && !isReset) {
    const patienceBefore = load<u32>(request + REQUEST.patience);
    const firstPatience = load<u32>(request + REQUEST.firstPatience);
    if (!keepVanished(samplesBefore, patienceBefore, firstPatience, load<u32>(request + REQUEST.maxVanished)))
      return false;
  }
  store<u32>(result + RESULT.samples, count);
  store<u32>(result + RESULT.vanished, vanishedCount);
  store<u32>(result + RESULT.entries, <u32>entries);
  store<u32>(result + RESULT.patience, <u32>patience);
  store<u64>(result + RESULT.mainMapping, mainMapping);
  store<u32>(result + RESULT.isReset, isReset ? 1 : 0);
  if (!hasBefore) return true;
  const timeNanos = load<u64>(request + REQUEST.timeNanos);
  const durationNanos = load<u64>(request + REQUEST.durationNanos);
  const defaultSampleType = load<u32>(request + REQUEST.defaultSampleType);
  const compresses = load<u32>(request + REQUEST.compresses) !== 0;
  if (!emitProfile(!isReset, timeNanos, durationNanos, defaultSampleType, compresses)) return false;
  store<u32>(result + RESULT.clamped, clamped);
  store<u32>(result + RESULT.output, <u32>output);
  store<u32>(result + RESULT.outputBytes, outputBytes);
  store<u32>(result + RESULT.outputSamples, samplesWritten);
  return true;
}
