// Where everything is in one profile, and whether all of it but the samples is as it should be.
//
// Only ordinary profiles are read, in the shape that Go's runtime and Google's library write: known fields with tags of one
// byte, tables numbered 1, 2, 3, an address for each location. For anything else, and for anything that is wrong, these
// functions give up without a verdict, and the engine in src/delta decides, and names the fault.

import { take } from './memory';
import { number, readVarint } from './wire';

/** Bytes of an entry of each list: where its content starts and ends. */
const RANGE: u32 = 8;

// Numbers of the fields of a profile.
const SAMPLE_TYPE: u32 = 1;
export const SAMPLE: u32 = 2;
export const MAPPING: u32 = 3;
export const LOCATION: u32 = 4;
export const FUNCTION: u32 = 5;
export const STRING: u32 = 6;
const PERIOD_TYPE: u32 = 11;
const DROP_FRAMES: u32 = 7;
const KEEP_FRAMES: u32 = 8;
const COMMENT: u32 = 13;
const DEFAULT_SAMPLE_TYPE: u32 = 14;
const DOC_URL: u32 = 15;

const MAX_SAMPLE_TYPES: u32 = 32;

/** How many of each there are, by the number of the field. */
const counts: usize = memory.data(16 * 4, 4);
/** Where the list of each is, by the number of the field. */
const lists: usize = memory.data(16 * 4, 4);
/** String indexes of type and unit of each sample type. */
export const sampleTypeStrings: usize = memory.data(32 * 8, 4);
/** The numbers of the fields of one number each, by the number of the field; 0 where absent. */
const scalars: usize = memory.data(16 * 8, 8);

let start: usize = 0;
let end: usize = 0;
export let hasPeriodType: bool = false;
export let periodTypeString: u32 = 0;
export let periodUnitString: u32 = 0;

export function sampleTypeCount(): u32 {
  return load<u32>(counts + SAMPLE_TYPE * 4);
}

export function sampleCount(): u32 {
  return load<u32>(counts + SAMPLE * 4);
}

export function mappingCount(): u32 {
  return load<u32>(counts + MAPPING * 4);
}

export function locationCount(): u32 {
  return load<u32>(counts + LOCATION * 4);
}

export function functionCount(): u32 {
  return load<u32>(counts + FUNCTION * 4);
}

export function stringCount(): u32 {
  return load<u32>(counts + STRING * 4);
}

export function profileBytes(): u32 {
  return <u32>(end - start);
}

/** A field of one number; 0 where the profile has none. */
export function scalar(field: u32): u64 {
  return load<u64>(scalars + field * 8);
}

/** Where the content of an entry starts, counted from 0. */
export function startOf(field: u32, entry: u32): usize {
  return load<u32>(load<u32>(lists + field * 4) + entry * RANGE);
}

export function endOf(field: u32, entry: u32): usize {
  return load<u32>(load<u32>(lists + field * 4) + entry * RANGE + 4);
}

/**
 * Takes a profile; ten bytes behind it must be there to be looked at. False: not an ordinary one, or there is no memory for
 * its lists. Locations and samples are left to their readers.
 */
export function indexProfile(profile: usize, length: u32): bool {
  start = profile;
  end = profile + length;
  hasPeriodType = false;
  memory.fill(counts, 0, 16 * 4);
  memory.fill(scalars, 0, 16 * 8);
  return (
    length > 0 &&
    countFields() &&
    listFields() &&
    areStringsGood() &&
    readTypes() &&
    areReferencesGood() &&
    readMappings() &&
    areFunctionsGood() &&
    // Producers other than Go have no addresses: found out now, before more is done in vain.
    (locationCount() === 0 || readLocation(0))
  );
}

/** Counts the entries of each list, takes the fields of one number. */
function countFields(): bool {
  let pos = start;
  while (pos < end) {
    const tag: u32 = load<u8>(pos++);
    const field = tag >>> 3;
    if (field === 0 || field > DOC_URL) return false;
    const isList = field <= STRING || field === PERIOD_TYPE;
    if ((tag & 7) !== (isList ? 2 : 0)) return false;
    pos = readVarint(pos);
    if (pos === 0 || pos > end) return false;
    if (isList) {
      if (number > <u64>(end - pos)) return false;
      pos += <usize>number;
      store<u32>(counts + field * 4, load<u32>(counts + field * 4) + 1);
    } else {
      // A field that occurs twice: the last one counts, but for time_nanos, which tells that two profiles were concatenated.
      if (load<u64>(scalars + field * 8) !== 0 || field === COMMENT) return false;
      store<u64>(scalars + field * 8, number);
    }
  }
  return (
    sampleTypeCount() > 0 &&
    sampleTypeCount() <= MAX_SAMPLE_TYPES &&
    stringCount() > 0 &&
    load<u32>(counts + PERIOD_TYPE * 4) <= 1
  );
}

/** Notes where the entries of each list are. */
function listFields(): bool {
  for (let field: u32 = SAMPLE_TYPE; field <= PERIOD_TYPE; field++) {
    const list = take(load<u32>(counts + field * 4) * RANGE);
    if (list === 0) return false;
    store<u32>(lists + field * 4, <u32>list);
  }
  // While the lists are filled each of these stands at its next entry.
  let pos = start;
  while (pos < end) {
    const field: u32 = load<u8>(pos++) >>> 3;
    let length: u32 = load<u8>(pos++);
    if (length >= 0x80) {
      pos = readVarint(pos - 1);
      length = <u32>number;
    }
    if (field > STRING && field !== PERIOD_TYPE) continue;
    const entry = load<u32>(lists + field * 4);
    store<u32>(entry, <u32>pos);
    pos += length;
    store<u32>(entry + 4, <u32>pos);
    store<u32>(lists + field * 4, entry + RANGE);
  }
  for (let field: u32 = SAMPLE_TYPE; field <= PERIOD_TYPE; field++) {
    store<u32>(lists + field * 4, load<u32>(lists + field * 4) - load<u32>(counts + field * 4) * RANGE);
  }
  return true;
}

/** String 0 is empty, all are UTF-8. */
function areStringsGood(): bool {
  const count = stringCount();
  if (endOf(STRING, 0) !== startOf(STRING, 0)) return false;
  // Whatever lies between two strings, where all of it is ASCII the strings are, too.
  if (areAscii(startOf(STRING, 0), endOf(STRING, count - 1))) return true;
  for (let string: u32 = 0; string < count; string++) {
    if (!isUtf8(startOf(STRING, string), endOf(STRING, string))) return false;
  }
  return true;
}

function areAscii(from: usize, to: usize): bool {
  let pos = from;
  let bits: u64 = 0;
  for (; pos + 8 <= to; pos += 8) bits |= load<u64>(pos);
  for (; pos < to; pos++) bits |= load<u8>(pos);
  return (bits & 0x8080808080808080) === 0;
}

/** By the table of well-formed sequences of the Unicode Standard (3.9, D92). */
function isUtf8(from: usize, to: usize): bool {
  let pos = from;
  while (pos < to) {
    const first: u32 = load<u8>(pos++);
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;
    const more: usize = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (to - pos < more) return false;
    const second: u32 = load<u8>(pos);
    // Overlong forms, surrogates, and what is above U+10FFFF.
    if (first === 0xe0 && second < 0xa0) return false;
    if (first === 0xed && second > 0x9f) return false;
    if (first === 0xf0 && second < 0x90) return false;
    if (first === 0xf4 && second > 0x8f) return false;
    for (let at: usize = 0; at < more; at++) if ((load<u8>(pos + at) & 0xc0) !== 0x80) return false;
    pos += more;
  }
  return true;
}

let readType: u32 = 0;
let readUnit: u32 = 0;

function readTypes(): bool {
  for (let entry: u32 = 0; entry < sampleTypeCount(); entry++) {
    if (!readTypeAt(startOf(SAMPLE_TYPE, entry), endOf(SAMPLE_TYPE, entry))) return false;
    store<u32>(sampleTypeStrings + entry * 8, readType);
    store<u32>(sampleTypeStrings + entry * 8 + 4, readUnit);
  }
  if (load<u32>(counts + PERIOD_TYPE * 4) === 0) return true;
  if (!readTypeAt(startOf(PERIOD_TYPE, 0), endOf(PERIOD_TYPE, 0))) return false;
  hasPeriodType = true;
  periodTypeString = readType;
  periodUnitString = readUnit;
  return true;
}

function readTypeAt(from: usize, to: usize): bool {
  readType = 0;
  readUnit = 0;
  let pos = from;
  while (pos < to) {
    const tag = load<u8>(pos);
    pos = readVarint(pos + 1);
    if (pos === 0 || number >= stringCount()) return false;
    if (tag === 0x08) readType = <u32>number;
    else if (tag === 0x10) readUnit = <u32>number;
    else return false;
  }
  return pos === to;
}

/** drop_frames, keep_frames, default_sample_type, doc_url. */
function areReferencesGood(): bool {
  const strings = stringCount();
  return (
    scalar(DROP_FRAMES) < strings &&
    scalar(KEEP_FRAMES) < strings &&
    scalar(DEFAULT_SAMPLE_TYPE) < strings &&
    scalar(DOC_URL) < strings
  );
}

/** A mapping's numbers and string indexes, by its slot: 0 stands for none. */
export const MAPPING_BYTES: u32 = 32;

/** Where the mappings are. */
export let mappings: usize = 0;

function readMappings(): bool {
  const count = mappingCount();
  mappings = take((count + 1) * MAPPING_BYTES);
  if (mappings === 0) return false;
  memory.fill(mappings, 0, (count + 1) * MAPPING_BYTES);
  for (let slot: u32 = 1; slot <= count; slot++) {
    const mapping = mappings + slot * MAPPING_BYTES;
    if (!readMapping(mapping, startOf(MAPPING, slot - 1), endOf(MAPPING, slot - 1), slot)) return false;
  }
  return true;
}

export function memoryStartOf(mapping: usize): u64 {
  return load<u64>(mapping);
}

export function memoryLimitOf(mapping: usize): u64 {
  return load<u64>(mapping, 8);
}

export function fileOffsetOf(mapping: usize): u64 {
  return load<u64>(mapping, 16);
}

export function filenameOf(mapping: usize): u32 {
  return load<u32>(mapping, 24);
}

export function buildIdOf(mapping: usize): u32 {
  return load<u32>(mapping, 28);
}

function readMapping(mapping: usize, from: usize, to: usize, slot: u32): bool {
  let id: u64 = 0;
  let pos = from;
  while (pos < to) {
    const tag: u32 = load<u8>(pos);
    pos = readVarint(pos + 1);
    if (pos === 0) return false;
    if (tag === 0x08) id = number;
    else if (tag === 0x10) store<u64>(mapping, number);
    else if (tag === 0x18) store<u64>(mapping, number, 8);
    else if (tag === 0x20) store<u64>(mapping, number, 16);
    else if (tag === 0x28 || tag === 0x30) {
      if (number >= stringCount()) return false;
      if (tag === 0x28) store<u32>(mapping, <u32>number, 24);
      else store<u32>(mapping, <u32>number, 28);
    } else if (tag !== 0x38 && tag !== 0x40 && tag !== 0x48 && tag !== 0x50) return false;
  }
  return pos === to && id === slot && memoryStartOf(mapping) <= memoryLimitOf(mapping);
}

function areFunctionsGood(): bool {
  const count = functionCount();
  const strings = stringCount();
  for (let entry: u32 = 0; entry < count; entry++) {
    const to = endOf(FUNCTION, entry);
    let pos = startOf(FUNCTION, entry);
    let id: u64 = 0;
    while (pos < to) {
      const tag: u32 = load<u8>(pos);
      pos = readVarint(pos + 1);
      if (pos === 0) return false;
      if (tag === 0x08) id = number;
      else if (tag === 0x10 || tag === 0x18 || tag === 0x20) {
        if (number >= strings) return false;
      } else if (tag !== 0x28) return false;
    }
    if (pos !== to || id !== entry + 1) return false;
  }
  return true;
}

/** What `readLocation` read last. */
export let locationMapping: u32 = 0;
export let locationAddress: u64 = 0;

/** Reads and checks a location by its number, from 0. */
export function readLocation(entry: u32): bool {
  const to = endOf(LOCATION, entry);
  let pos = startOf(LOCATION, entry);
  let id: u64 = 0;
  let mapping: u64 = 0;
  let address: u64 = 0;
  while (pos < to) {
    const tag: u32 = load<u8>(pos++);
    if (tag === 0x22) {
      const length: usize = load<u8>(pos++);
      if (length >= 0x80 || length > to - pos || !isLineGood(pos, pos + length)) return false;
      pos += length;
      continue;
    }
    pos = readVarint(pos);
    if (pos === 0) return false;
    if (tag === 0x08) id = number;
    else if (tag === 0x10) mapping = number;
    else if (tag === 0x18) address = number;
    else if (tag !== 0x28) return false;
  }
  if (pos !== to || id !== entry + 1 || mapping > mappingCount() || address === 0) return false;
  locationMapping = <u32>mapping;
  locationAddress = address;
  return true;
}

function isLineGood(from: usize, to: usize): bool {
  let id: u64 = 0;
  let pos = from;
  while (pos < to) {
    const tag: u32 = load<u8>(pos);
    pos = readVarint(pos + 1);
    if (pos === 0) return false;
    if (tag === 0x08) id = number;
    else if (tag !== 0x10 && tag !== 0x18) return false;
  }
  return pos === to && id !== 0 && id <= functionCount();
}
