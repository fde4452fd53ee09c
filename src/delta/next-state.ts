import { Int32List } from '../profile/int32-list.ts';
import { type DeltaState, entrySize, VANISHED_SNAPSHOTS } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Entries of the state before to remember although the snapshot hasn't got them: those that vanished now first, the longest
 * remembered last, so that these fall out where there are more than `max`. A sample whose values were all 0 is forgotten at
 * once, being the same as one that never was.
 */
export function vanishedEntries(before: DeltaState, { matchedBy }: Snapshot, max: number): Int32Array {
  const { columns, entries, patience, samples } = before;
  const size = entrySize(columns.length);
  const vanished = new Int32List();
  const count = samples + patience.length;
  for (let entry = 0; entry < count && vanished.length < max; entry++) {
    if (matchedBy[entry]! >= 0) continue;
    if (entry >= samples && patience[entry - samples]! <= 1) continue;
    if (hasValue(entries, entry * size + 2, (entry + 1) * size)) vanished.push(entry);
  }
  return vanished.data.subarray(0, vanished.length);
}

/** Writes those entries into the next state behind its samples, and gives their patience. */
export function keepVanished(
  before: DeltaState,
  vanished: Int32Array,
  entries: Int32Array,
  samples: number,
): Uint8Array {
  const size = entrySize(before.columns.length);
  const patience = new Uint8Array(vanished.length);
  for (let at = 0; at < vanished.length; at++) {
    const entry = vanished[at]!;
    for (let field = 0; field < size; field++) {
      entries[(samples + at) * size + field] = before.entries[entry * size + field]!;
    }
    patience[at] = entry < before.samples ? VANISHED_SNAPSHOTS : before.patience[entry - before.samples]! - 1;
  }
  return patience;
}

function hasValue(entries: Int32Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (entries[at] !== 0) return true;
  return false;
}
