import type { ProfileIndex } from '../profile/profile-index.ts';
import { SampleCopier } from './sample-copier.ts';
import type { Snapshot } from './snapshot.ts';
import type { UsedEntries } from './used-entries.ts';
import { int64Size, varintSize, type WireWriter } from './wire-writer.ts';

const TAG_SAMPLE = 0x12;
const TAG_VALUES = 0x12;

const copier = new SampleCopier();

/**
 * Writes each sample that is not 0 in all kept columns: stack and labels as they stand in the first message that the
 * sample comes from, values anew. Notes what it refers to; gives the number of samples written.
 */
export function emitSamples(
  index: ProfileIndex,
  snapshot: Snapshot,
  kept: readonly number[],
  used: UsedEntries,
  writer: WireWriter,
): number {
  let written = 0;
  copier.start(index, used);
  for (let sample = 0; sample < snapshot.count; sample++) {
    const size = valuesSize(snapshot, sample, kept);
    if (size === 0) continue;
    copier.find(snapshot.messages[sample]!);
    const length = copier.size + 1 + varintSize(size) + size;
    writer.reserve(length + 6);
    writer.byte(TAG_SAMPLE);
    writer.varint(length);
    copier.copy(writer);
    writer.byte(TAG_VALUES);
    writer.varint(size);
    writeValues(snapshot, sample, kept, writer);
    written++;
  }
  copier.release();
  return written;
}

/** Bytes of the kept values on the wire; 0 if all of them are 0. */
function valuesSize(snapshot: Snapshot, sample: number, kept: readonly number[]): number {
  const { values } = snapshot;
  const start = sample * snapshot.columns * 2;
  let size = 0;
  let bits = 0;
  for (let at = 0; at < kept.length; at++) {
    const value = start + kept[at]! * 2;
    const lo = values[value]!;
    const hi = values[value + 1]!;
    bits |= lo | hi;
    size += hi === 0 && lo >>> 0 < 0x80 ? 1 : int64Size(lo, hi);
  }
  return bits === 0 ? 0 : size;
}

function writeValues(snapshot: Snapshot, sample: number, kept: readonly number[], writer: WireWriter): void {
  const { values } = snapshot;
  const start = sample * snapshot.columns * 2;
  for (let at = 0; at < kept.length; at++) {
    const value = start + kept[at]! * 2;
    writer.int64(values[value]!, values[value + 1]!);
  }
}
