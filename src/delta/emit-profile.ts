import type { ProfileIndex } from '../profile/profile-index.ts';
import { emitSamples } from './emit-samples.ts';
import { SampleWriter } from './sample-writer.ts';
import type { Snapshot } from './snapshot.ts';
import { UsedEntries } from './used-entries.ts';
import { WireWriter } from './wire-writer.ts';

const TAG_SAMPLE_TYPE = 0x0a;
const TAG_MAPPING = 0x1a;
const TAG_LOCATION = 0x22;
const TAG_FUNCTION = 0x2a;
const TAG_STRING = 0x32;
const TAG_DROP_FRAMES = 0x38;
const TAG_KEEP_FRAMES = 0x40;
const TAG_TIME_NANOS = 0x48;
const TAG_DURATION_NANOS = 0x50;
const TAG_PERIOD_TYPE = 0x5a;
const TAG_PERIOD = 0x60;
const TAG_COMMENT = 0x68;
const TAG_DEFAULT_SAMPLE_TYPE = 0x70;
const TAG_DOC_URL = 0x78;
/** A tag and a length of one byte each. */
const SHORT_HEAD = 2;

export interface OutputTimes {
  /** 0n leaves the field out. */
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
}

const writer = new WireWriter();
const used = new UsedEntries();
const sampleWriter = new SampleWriter(writer, used);

/**
 * Writes a snapshot's samples (those that are not all zero in the `kept` columns) and what they need of the profile that
 * they come from. Ids and string indexes stay as they are, so that messages are copied and not written anew: strings that
 * nothing refers to any more become empty, which costs two bytes before compression and next to none after it.
 */
export function emitProfile(
  index: ProfileIndex,
  snapshot: Snapshot,
  kept: readonly number[],
  times: OutputTimes,
): { profile: Uint8Array; samples: number } {
  used.clear(index);
  writer.start(index.bytes, index.view);
  for (const column of kept) {
    writeType(TAG_SAMPLE_TYPE, index.sampleTypeStrings.data, column);
  }
  sampleWriter.start(index, kept);
  const samples = emitSamples(snapshot, kept, sampleWriter);
  sampleWriter.release();
  writeMappings(index);
  writeLocations(index);
  writeFunctions(index);
  const defaultSampleType = keptDefault(index, kept);
  used.addString(defaultSampleType);
  markHeaderStrings(index);
  writeStrings(index);
  writeHeader(index, times, defaultSampleType);
  return { profile: writer.finish(), samples };
}

/** String index of the default sample type, or 0 if its column was dropped. */
function keptDefault({ defaultSampleType, sampleTypes, strings }: ProfileIndex, kept: readonly number[]): number {
  if (defaultSampleType === 0) return 0;
  const name = strings.text(defaultSampleType);
  return kept.some((column) => sampleTypes[column]!.type === name) ? defaultSampleType : 0;
}

function writeType(tag: number, strings: Int32Array, ordinal: number): void {
  const type = strings[ordinal * 2]!;
  const unit = strings[ordinal * 2 + 1]!;
  used.addString(type);
  used.addString(unit);
  writer.reserve(16);
  const lengthAt = writer.pos + 1;
  writer.byte(tag);
  writer.byte(0);
  writer.byte(0x08);
  writer.varint(type);
  writer.byte(0x10);
  writer.varint(unit);
  writer.bytes[lengthAt] = writer.pos - lengthAt - 1;
}

/** All of them, used or not: the first says which program it is, and readers look addresses up in the others. */
function writeMappings({ mappings }: ProfileIndex): void {
  const ranges = mappings.ranges.data;
  for (let slot = 1; slot <= mappings.length; slot++) {
    const mapping = mappings.get(slot)!;
    used.addString(mapping.filename);
    used.addString(mapping.buildId);
    writer.field(TAG_MAPPING, ranges[slot * 2 - 2]!, ranges[slot * 2 - 1]!);
  }
}

function writeLocations({ locations }: ProfileIndex): void {
  const ranges = locations.ranges.data;
  for (let slot = 1; slot <= locations.length; slot++) {
    if (used.locations[slot] === 0) continue;
    writer.field(TAG_LOCATION, ranges[slot * 2 - 2]!, ranges[slot * 2 - 1]!);
    const endLine = locations.firstLine(slot + 1);
    for (let line = locations.firstLine(slot); line < endLine; line++) used.addFunction(locations.functionOf(line));
  }
}

function writeFunctions({ functions }: ProfileIndex): void {
  const ranges = functions.ranges.data;
  for (let slot = 1; slot <= functions.length; slot++) {
    if (!used.hasFunction(slot)) continue;
    writer.field(TAG_FUNCTION, ranges[slot * 2 - 2]!, ranges[slot * 2 - 1]!);
    used.addString(functions.name(slot));
    used.addString(functions.systemName(slot));
    used.addString(functions.filename(slot));
  }
}

function markHeaderStrings(index: ProfileIndex): void {
  used.addString(index.dropFrames);
  used.addString(index.keepFrames);
  used.addString(index.docUrl);
  for (let at = 0; at < index.comments.length; at++) used.addString(index.comments.data[at]!);
  for (let at = 0; at < index.periodTypeStrings.length; at++) used.addString(index.periodTypeStrings.data[at]!);
}

/** Those that nothing refers to as empty ones. Runs of either kind are written at once. */
function writeStrings({ bytes, strings }: ProfileIndex): void {
  const marks = used.strings;
  const count = strings.length;
  let string = 0;
  while (string < count) {
    const first = string;
    const isUsed = marks[first] === 1;
    if (!isUsed) {
      while (string < count && marks[string] === 0) string++;
      writer.emptyFields(TAG_STRING, string - first);
      continue;
    }
    const start = strings.start(first);
    let end = strings.end(first);
    string++;
    if (start < SHORT_HEAD || bytes[start - SHORT_HEAD] !== TAG_STRING || bytes[start - 1] !== end - start) {
      writer.field(TAG_STRING, start, end);
      continue;
    }
    // Two bytes between two strings can only be tag and length of the second one.
    while (string < count && marks[string] === 1 && strings.start(string) === end + SHORT_HEAD) {
      end = strings.end(string);
      string++;
    }
    writer.range(start - SHORT_HEAD, end);
  }
}

function writeHeader(index: ProfileIndex, times: OutputTimes, defaultSampleType: number): void {
  writer.reserve(128 + index.comments.length * 6);
  writeIndex(TAG_DROP_FRAMES, index.dropFrames);
  writeIndex(TAG_KEEP_FRAMES, index.keepFrames);
  writeNumber(TAG_TIME_NANOS, times.timeNanos);
  writeNumber(TAG_DURATION_NANOS, times.durationNanos);
  if (index.periodType !== undefined) writeType(TAG_PERIOD_TYPE, index.periodTypeStrings.data, 0);
  writeNumber(TAG_PERIOD, index.period);
  for (let at = 0; at < index.comments.length; at++) {
    writer.byte(TAG_COMMENT);
    writer.varint(index.comments.data[at]!);
  }
  writeIndex(TAG_DEFAULT_SAMPLE_TYPE, defaultSampleType);
  writeIndex(TAG_DOC_URL, index.docUrl);
}

/** A string reference; 0, which stands for none, is left out. */
function writeIndex(tag: number, index: number): void {
  if (index === 0) return;
  writer.byte(tag);
  writer.varint(index);
}

function writeNumber(tag: number, value: bigint): void {
  if (value === 0n) return;
  writer.byte(tag);
  writer.bigint(value);
}
