// A 64-bit hash of what each location is, the same as that of src/delta/location-hashes.ts.

import { addBytes, addInt64, addLanes, finishedLanes, lanes, resumeHash, startHash } from './content-hash';
import { giveBack, take } from './memory';
import {
  buildIdOf,
  endOf,
  filenameOf,
  fileOffsetOf,
  locationAddress,
  locationCount,
  locationMapping,
  MAPPING_BYTES,
  mappingCount,
  mappings,
  memoryLimitOf,
  memoryStartOf,
  readLocation,
  STRING,
  startOf,
} from './profile-index';

const BUILD_ID: u32 = 1;
const FILENAME: u32 = 2;
const NOTHING: u32 = 3;
const ADDRESS: u32 = 4;
const MAIN_MAPPING: u32 = 6;

/**
 * Reads, checks and hashes the locations; gives where their hashes are (eight bytes each, by slot, from 1), or 0 to give up.
 */
export function hashLocations(): usize {
  const count = locationCount();
  const starts = hashMappings();
  const hashes = take((count + 1) * 8);
  if (starts === 0 || hashes === 0) return 0;
  for (let entry: u32 = 0; entry < count; entry++) {
    if (!readLocation(entry)) return 0;
    resumeHash(load<u64>(starts + locationMapping * 8));
    addPlace(locationAddress, mappings + locationMapping * MAPPING_BYTES);
    store<u64>(hashes + entry * 8, finishedLanes(), 8);
  }
  return areDistinct(hashes, count) ? hashes : 0;
}

/**
 * Whether no two locations have the same place: where two have, their functions' names may have to tell them apart, which
 * src/delta looks at. Go writes each address once.
 */
function areDistinct(hashes: usize, count: u32): bool {
  let capacity: u32 = 64;
  while (capacity < count + (count >>> 1)) capacity <<= 1;
  const mask = capacity - 1;
  const table = take(capacity * 4);
  if (table === 0) return false;
  memory.fill(table, 0, capacity * 4);
  for (let slot: u32 = 1; slot <= count; slot++) {
    const hash = load<u64>(hashes + slot * 8);
    let place = <u32>hash & mask;
    for (;;) {
      const other = load<u32>(table + place * 4);
      if (other === 0) break;
      if (load<u64>(hashes + other * 8) === hash) return false;
      place = (place + 1) & mask;
    }
    store<u32>(table + place * 4, slot);
  }
  giveBack(table);
  return true;
}

/** Reads and checks the locations without a hash. */
export function areLocationsGood(): bool {
  const count = locationCount();
  for (let entry: u32 = 0; entry < count; entry++) if (!readLocation(entry)) return false;
  return true;
}

/** The lanes of a location before its address is added, by the slot of its mapping. */
function hashMappings(): usize {
  const count = mappingCount();
  const starts = take((count + 1) * 8);
  if (starts === 0) return 0;
  for (let slot: u32 = 0; slot <= count; slot++) {
    const mapping = mappings + slot * MAPPING_BYTES;
    const buildId = buildIdOf(mapping);
    const filename = filenameOf(mapping);
    if (isNotEmpty(buildId)) {
      startHash(BUILD_ID);
      addBytes(startOf(STRING, buildId), endOf(STRING, buildId));
    } else if (isNotEmpty(filename)) {
      startHash(FILENAME);
      addBytes(startOf(STRING, filename), endOfFilename(filename));
    } else {
      startHash(NOTHING);
    }
    const hash = finishedLanes();
    startHash(ADDRESS);
    addLanes(hash);
    store<u64>(starts + slot * 8, lanes());
  }
  return starts;
}

/** Hash of build id, file and address of the first mapping, that of the program; 0 where there is none. */
export function hashMainMapping(): u64 {
  if (mappingCount() === 0) return 0;
  const main = mappings + MAPPING_BYTES;
  const buildId = buildIdOf(main);
  const filename = filenameOf(main);
  startHash(MAIN_MAPPING);
  addInt64(memoryStartOf(main));
  addBytes(startOf(STRING, buildId), endOf(STRING, buildId));
  addBytes(startOf(STRING, filename), endOfFilename(filename));
  // The lowest bit of lane B: never 0, which means that there is no mapping.
  return finishedLanes() | 0x1_0000_0000;
}

/** Adds address - memory_start + file_offset, or the address itself if the mapping covers nothing. */
function addPlace(address: u64, mapping: usize): void {
  const start = memoryStartOf(mapping);
  addInt64(start === memoryLimitOf(mapping) ? address : address - start + fileOffsetOf(mapping));
}

function isNotEmpty(string: u32): bool {
  return endOf(STRING, string) > startOf(STRING, string);
}

/** Without what Linux puts behind the path of a running program whose file was replaced: " (deleted)". */
function endOfFilename(filename: u32): usize {
  const end = endOf(STRING, filename);
  if (end - startOf(STRING, filename) < 10) return end;
  // " (delete" and "d)", little end first.
  const isDeleted = load<u64>(end - 10) === 0x6574656c65642820 && load<u16>(end - 2) === 0x2964;
  return isDeleted ? end - 10 : end;
}
