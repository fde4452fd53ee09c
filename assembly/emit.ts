// Writes the delta as a profile: the samples that are not all zero, and what they need of the profile that they come from.
// To the byte what src/delta/emit-profile.ts writes.

import { beginGzip, endGzip, gzipBound, gzipPart } from './gzip';
import { moveMatches, WINDOW } from './matches';
import { take } from './memory';
import {
  buildIdOf,
  endOf,
  FUNCTION,
  filenameOf,
  functionCount,
  hasPeriodType,
  LOCATION,
  locationCount,
  MAPPING,
  MAPPING_BYTES,
  mappingCount,
  mappings,
  periodTypeString,
  periodUnitString,
  profileBytes,
  SAMPLE,
  STRING,
  sampleCount,
  sampleTypeCount,
  sampleTypeStrings,
  scalar,
  startOf,
  stringCount,
} from './profile-index';
import {
  before,
  columnPlaces,
  count,
  DROP,
  entries,
  entryBytes,
  KEEP,
  kept,
  keptValues,
  matches,
  messages,
} from './snapshot';
import { copyBytes, number, readVarint, skipVarint, varintSize, writeVarint } from './wire';

/**
 * What is compressed in one go and then forgotten but for its last window: so much that blocks aren't cut short, and so
 * little that it stays in the processor's cache.
 */
const PART_BYTES: usize = 256 * 1024;

/** The output, compressed or not, and how many bytes and samples there are of it. */
export let output: usize = 0;
export let outputBytes: u32 = 0;
export let samplesWritten: u32 = 0;
/** Samples with a cumulative value that fell and was set to 0. */
export let clamped: u32 = 0;

/** A byte for each location (by id), function (by id) and string (by index): 1 if the output refers to it. */
let usedLocations: usize = 0;
let usedFunctions: usize = 0;
let usedStrings: usize = 0;
let pos: usize = 0;
/** Where what is not compressed yet starts, in the buffer that starts with the window of what is. */
let part: usize = 0;
let buffer: usize = 0;
/** From here on a part is large enough; beyond all memory where nothing is compressed. */
let endOfPart: usize = 0;

/** The values of the sample at hand that are written. */
const delta: usize = memory.data(32 * 8, 8);
let deltaColumns: u32 = 0;

/**
 * `subtracts`: the state before counts; else the values are written in full. `defaultSampleType`: its string, or 0.
 * `compresses`: as gzip. False where there is no memory.
 */
export function emitProfile(
  subtracts: bool,
  timeNanos: u64,
  durationNanos: u64,
  defaultSampleType: u32,
  compresses: bool,
): bool {
  usedLocations = clearMarks(locationCount() + 1);
  usedFunctions = clearMarks(functionCount() + 1);
  usedStrings = clearMarks(stringCount());
  // Nothing gets longer but: numbers that become packed, the header's own fields, and copies that overrun their end.
  const most = profileBytes() + sampleCount() * 4 + sampleTypeCount() * 24 + 256;
  buffer = take(most);
  if (usedLocations === 0 || usedFunctions === 0 || usedStrings === 0 || buffer === 0) return false;
  output = compresses ? take(gzipBound(most) + (most / <u32>PART_BYTES) * 32) : buffer;
  if (output === 0) return false;
  useString(0);
  pos = buffer;
  part = buffer;
  endOfPart = compresses ? buffer + PART_BYTES : usize.MAX_VALUE;
  for (let column: u32 = 0; column < sampleTypeCount(); column++) {
    if (load<i32>(columnPlaces + column * 4) === DROP) continue;
    const strings = sampleTypeStrings + column * 8;
    writeType(0x0a, load<u32>(strings), load<u32>(strings, 4));
  }
  writeSamples(subtracts);
  writeMappings();
  writeLocations();
  writeFunctions();
  useString(defaultSampleType);
  useString(<u32>scalar(7));
  useString(<u32>scalar(8));
  useString(<u32>scalar(15));
  if (hasPeriodType) {
    useString(periodTypeString);
    useString(periodUnitString);
  }
  writeStrings();
  writeNumber(0x38, scalar(7));
  writeNumber(0x40, scalar(8));
  writeNumber(0x48, timeNanos);
  writeNumber(0x50, durationNanos);
  if (hasPeriodType) writeType(0x5a, periodTypeString, periodUnitString);
  writeNumber(0x60, scalar(12));
  writeNumber(0x70, defaultSampleType);
  writeNumber(0x78, scalar(15));
  if (compresses) compressPart(true);
  outputBytes = compresses ? endGzip(pos) : <u32>(pos - output);
  return true;
}

/** Compresses what was written since the last time, and moves its end to the start of the buffer. */
function compressPart(isLast: bool): void {
  if (part === buffer) beginGzip(buffer, <u32>(pos - buffer), output);
  gzipPart(part, pos, isLast);
  if (isLast) return;
  const window = pos - WINDOW;
  memory.copy(buffer, window, WINDOW);
  moveMatches(window - buffer);
  pos = buffer + WINDOW;
  part = pos;
  endOfPart = pos + PART_BYTES;
}

function clearMarks(length: u32): usize {
  const marks = take(length);
  if (marks !== 0) memory.fill(marks, 0, length);
  return marks;
}

function useString(string: u32): void {
  store<u8>(usedStrings + string, 1);
}

function writeType(tag: u32, type: u32, unit: u32): void {
  useString(type);
  useString(unit);
  const length = pos + 1;
  store<u8>(pos, <u8>tag);
  store<u8>(pos, 0x08, 2);
  pos = writeVarint(pos + 3, type);
  store<u8>(pos, 0x10);
  pos = writeVarint(pos + 1, unit);
  store<u8>(length, <u8>(pos - length - 1));
}

/** A field of one number; 0 is left out. */
function writeNumber(tag: u32, value: u64): void {
  if (value === 0) return;
  store<u8>(pos, <u8>tag);
  pos = writeVarint(pos + 1, value);
}

/** A field with the content of an entry of the profile. */
function copyField(tag: u32, field: u32, entry: u32): void {
  const start = startOf(field, entry);
  const length = endOf(field, entry) - start;
  store<u8>(pos, <u8>tag);
  pos = writeVarint(pos + 1, length);
  copyBytes(pos, start, length);
  pos += length;
  if (pos >= endOfPart) compressPart(false);
}

function writeSamples(subtracts: bool): void {
  samplesWritten = 0;
  clamped = 0;
  for (let sample: u32 = 0; sample < count; sample++) {
    const size = subtractSample(sample, subtracts);
    if (size !== 0) writeSample(load<u32>(messages + sample * 4), size);
  }
}

/** Fills `delta`; gives the bytes of it, 0 if all values are 0. */
function subtractSample(sample: u32, subtracts: bool): u32 {
  const entry = entries + sample * entryBytes;
  const match = subtracts ? load<u32>(matches + sample * 4) : 0;
  const old = before + (match - 1) * entryBytes;
  let beside = keptValues + sample * kept * 8;
  let bits: u64 = 0;
  let size: u32 = 0;
  let fell: u32 = 0;
  let to = delta;
  for (let column: u32 = 0; column < sampleTypeCount(); column++) {
    const place = load<i32>(columnPlaces + column * 4);
    if (place === DROP) continue;
    let value: u64 = 0;
    if (place === KEEP) {
      value = load<u64>(beside);
      beside += 8;
    } else {
      value = load<u64>(entry + place * 8, 8);
      if (match !== 0) {
        const was = load<u64>(old + place * 8, 8);
        if (value < was) fell = 1;
        value = value < was ? 0 : value - was;
      }
    }
    store<u64>(to, value);
    to += 8;
    bits |= value;
    size += varintSize(value);
  }
  clamped += fell;
  deltaColumns = <u32>(to - delta) >>> 3;
  return bits === 0 ? 0 : size;
}

/** Stack and labels as they stand in the message, values anew behind them. */
function writeSample(message: u32, size: u32): void {
  const start = startOf(SAMPLE, message);
  const end = endOf(SAMPLE, message);
  // Room for the length, which is known when the rest is there: as many bytes as the message's own takes, or one more.
  const content = pos + 1 + varintSize(end - start + size + 3);
  let to = content;
  let from = start;
  let at = start;
  while (at < end) {
    const tag: u32 = load<u8>(at);
    const field = at;
    let stop = at + 1;
    if ((tag & 7) === 2) {
      let length: u32 = load<u8>(at, 1);
      stop = at + 2;
      if (length >= 0x80) {
        length = (length & 0x7f) | ((<u32>load<u8>(at, 2)) << 7);
        stop = at + 3;
      }
      at = stop;
      stop += length;
      if (tag === 0x0a) useLocations(at, stop);
      else if (tag === 0x1a) useLabel(at, stop);
      at = stop;
    } else {
      at = skipVarint(at + 1);
      if (tag === 0x08) useLocations(field + 1, at);
    }
    if (tag === 0x12 || tag === 0x10) {
      copyBytes(to, from, field - from);
      to += field - from;
      from = at;
    }
  }
  copyBytes(to, from, end - from);
  to += end - from;
  store<u8>(to, 0x12);
  to = writeVarint(to + 1, size);
  for (let column: u32 = 0; column < deltaColumns; column++) to = writeVarint(to, load<u64>(delta + column * 8));
  closeSample(content, <u32>(to - content));
}

/** Puts tag and length before the content, moving it where the length takes less room than was left for it. */
function closeSample(content: usize, length: u32): void {
  store<u8>(pos, 0x12);
  const start = writeVarint(pos + 1, length);
  if (start !== content) memory.copy(start, content, length);
  pos = start + length;
  samplesWritten++;
  if (pos >= endOfPart) compressPart(false);
}

function useLocations(start: usize, stop: usize): void {
  const used = usedLocations;
  let at = start;
  while (at < stop) {
    let id: u32 = load<u8>(at++);
    if (id >= 0x80) {
      id = (id & 0x7f) | ((<u32>load<u8>(at++)) << 7);
      if (id >= 0x4000) id = (id & 0x3fff) | ((<u32>load<u8>(at++)) << 14);
    }
    store<u8>(used + id, 1);
  }
}

function useLabel(start: usize, stop: usize): void {
  let at = start;
  while (at < stop) {
    const tag: u32 = load<u8>(at);
    at = readVarint(at + 1);
    if (tag !== 0x18) useString(<u32>number);
  }
}

/** All of them, used or not: the first says which program it is, and readers look addresses up in the others. */
function writeMappings(): void {
  for (let entry: u32 = 0; entry < mappingCount(); entry++) {
    const mapping = mappings + (entry + 1) * MAPPING_BYTES;
    useString(filenameOf(mapping));
    useString(buildIdOf(mapping));
    copyField(0x1a, MAPPING, entry);
  }
}

function writeLocations(): void {
  for (let entry: u32 = 0; entry < locationCount(); entry++) {
    if (load<u8>(usedLocations + entry, 1) === 0) continue;
    useFunctions(startOf(LOCATION, entry), endOf(LOCATION, entry));
    copyField(0x22, LOCATION, entry);
  }
}

/** Notes the functions of a location's lines. */
function useFunctions(start: usize, end: usize): void {
  let at = start;
  while (at < end) {
    const tag: u32 = load<u8>(at++);
    if (tag !== 0x22) {
      at = skipVarint(at);
      continue;
    }
    const stop = at + 1 + load<u8>(at);
    at++;
    let id: u64 = 0;
    while (at < stop) {
      const field: u32 = load<u8>(at);
      at = readVarint(at + 1);
      if (field === 0x08) id = number;
    }
    store<u8>(usedFunctions + <usize>id, 1);
  }
}

function writeFunctions(): void {
  for (let entry: u32 = 0; entry < functionCount(); entry++) {
    if (load<u8>(usedFunctions + entry, 1) === 0) continue;
    useNames(startOf(FUNCTION, entry), endOf(FUNCTION, entry));
    copyField(0x2a, FUNCTION, entry);
  }
}

/** Notes name, system name and file of a function. */
function useNames(start: usize, end: usize): void {
  let name: u32 = 0;
  let systemName: u32 = 0;
  let filename: u32 = 0;
  let at = start;
  while (at < end) {
    const tag: u32 = load<u8>(at);
    at = readVarint(at + 1);
    if (tag === 0x10) name = <u32>number;
    else if (tag === 0x18) systemName = <u32>number;
    else if (tag === 0x20) filename = <u32>number;
  }
  useString(name);
  useString(systemName);
  useString(filename);
}

/** All of them, so that their indexes stay; those that nothing refers to are empty. */
function writeStrings(): void {
  const count = stringCount();
  const used = usedStrings;
  for (let string: u32 = 0; string < count; string++) {
    if (load<u8>(used + string) !== 0) {
      copyField(0x32, STRING, string);
    } else {
      store<u16>(pos, 0x0032);
      pos += 2;
      if (pos >= endOfPart) compressPart(false);
    }
  }
}
