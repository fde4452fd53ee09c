import { Int32List } from '../profile/int32-list.ts';
import { SAMPLE } from '../profile/message-types.ts';
import type { ProfileIndex } from '../profile/profile-index.ts';
import type { SampleReader } from '../profile/sample-reader.ts';
import { WireReader } from '../profile/wire-reader.ts';
import type { Snapshot } from './snapshot.ts';
import type { UsedEntries } from './used-entries.ts';
import { int64Size, varintSize, type WireWriter } from './wire-writer.ts';

const TAG_SAMPLE = 0x12;
const TAG_VALUES = 0x12;

const message = new WireReader();
/** Start and end of the parts of a sample message to copy. */
const parts = new Int32List();

/**
 * Writes each sample that is not 0 in all kept columns: stack and labels as they stand in the first message that the
 * sample comes from, values anew. Notes what it refers to; gives the number of samples written.
 */
export function emitSamples(
  index: ProfileIndex,
  reader: SampleReader,
  snapshot: Snapshot,
  kept: readonly number[],
  used: UsedEntries,
  writer: WireWriter,
): number {
  let written = 0;
  message.bytes = index.bytes;
  for (let sample = 0; sample < snapshot.count; sample++) {
    if (isZero(snapshot, sample, kept)) continue;
    const number = snapshot.messages.data[sample]!;
    reader.read(number);
    used.addSample(reader);
    findParts(index, number);
    writeSample(index.bytes, snapshot, sample, kept, writer);
    written++;
  }
  message.bytes = EMPTY;
  return written;
}

const EMPTY = new Uint8Array(0);

function isZero(snapshot: Snapshot, sample: number, kept: readonly number[]): boolean {
  const values = snapshot.values.data;
  for (let at = 0; at < kept.length; at++) {
    const value = (sample * snapshot.columns + kept[at]!) * 2;
    if ((values[value]! | values[value + 1]!) !== 0) return false;
  }
  return true;
}

/** Finds the fields of a sample message that aren't its values. */
function findParts(index: ProfileIndex, number: number): void {
  const ranges = index.samples.data;
  parts.clear();
  message.enter(SAMPLE, number, ranges[number * 2]!, ranges[number * 2 + 1]!);
  while (message.next()) {
    if (message.field === 2) continue;
    const last = parts.length - 1;
    if (last > 0 && parts.data[last] === message.tagAt) {
      parts.data[last] = message.pos;
    } else {
      parts.push(message.tagAt);
      parts.push(message.pos);
    }
  }
}

function writeSample(
  source: Uint8Array,
  snapshot: Snapshot,
  sample: number,
  kept: readonly number[],
  writer: WireWriter,
): void {
  const values = snapshot.values.data;
  let valuesSize = 0;
  for (let at = 0; at < kept.length; at++) {
    const value = (sample * snapshot.columns + kept[at]!) * 2;
    valuesSize += int64Size(values[value]!, values[value + 1]!);
  }
  let size = 1 + varintSize(valuesSize) + valuesSize;
  for (let part = 0; part < parts.length; part += 2) size += parts.data[part + 1]! - parts.data[part]!;

  writer.reserve(size + 6);
  writer.byte(TAG_SAMPLE);
  writer.varint(size);
  for (let part = 0; part < parts.length; part += 2) writer.copy(source, parts.data[part]!, parts.data[part + 1]!);
  writer.byte(TAG_VALUES);
  writer.varint(valuesSize);
  for (let at = 0; at < kept.length; at++) {
    const value = (sample * snapshot.columns + kept[at]!) * 2;
    writer.int64(values[value]!, values[value + 1]!);
  }
}
