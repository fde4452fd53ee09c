import type { SampleWriter } from './sample-writer.ts';
import type { Snapshot } from './snapshot.ts';

/** Writes each sample that is not 0 in all kept columns; gives the number of samples written. */
export function emitSamples(snapshot: Snapshot, kept: readonly number[], writer: SampleWriter): number {
  const { columns, count, values } = snapshot;
  let written = 0;
  for (let sample = 0; sample < count; sample++) {
    const at = sample * columns * 2;
    let bits = 0;
    for (let column = 0; column < kept.length; column++) {
      const value = at + kept[column]! * 2;
      bits |= values[value]! | values[value + 1]!;
    }
    if (bits === 0) continue;
    writer.write(snapshot.messageOf(sample), values, at);
    written++;
  }
  return written;
}
