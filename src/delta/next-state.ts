import { type DeltaState, entrySize, VANISHED_SNAPSHOTS } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';

/** What the next state says besides its entries. */
export type StateFrame = Omit<DeltaState, 'samples' | 'entries' | 'patience'>;

/**
 * The state after a snapshot: its samples, then those of the state before that are missing now and still remembered, the
 * longest remembered last. `before` is undefined where nothing of it counts any more. A vanished sample whose values were
 * all 0 is forgotten at once, being the same as one that never was.
 */
export function nextState(
  frame: StateFrame,
  snapshot: Snapshot,
  order: readonly number[],
  before: DeltaState | undefined,
  maxVanished: number,
): DeltaState {
  const size = entrySize(frame.columns.length);
  const vanished = before === undefined ? [] : vanishedEntries(before, snapshot, size, maxVanished);
  const entries = new Int32Array((snapshot.count + vanished.length) * size);
  const patience = vanished.length === 0 ? NOBODY : new Uint8Array(vanished.length);
  writeSamples(entries, snapshot, order, size);
  for (let at = 0; before !== undefined && at < vanished.length; at++) {
    const entry = vanished[at]!;
    for (let field = 0; field < size; field++) {
      entries[(snapshot.count + at) * size + field] = before.entries[entry * size + field]!;
    }
    patience[at] = entry < before.samples ? VANISHED_SNAPSHOTS : before.patience[entry - before.samples]! - 1;
  }
  // Spelt out: an object made by spreading takes twice the memory, and there is one for each target.
  const { seed, shape, columns, totals, mainMapping } = frame;
  return { seed, shape, columns, totals, mainMapping, samples: snapshot.count, entries, patience };
}

const NOBODY = new Uint8Array(0);

function writeSamples(entries: Int32Array, snapshot: Snapshot, order: readonly number[], size: number): void {
  const keys = snapshot.keys;
  const values = snapshot.values;
  for (let sample = 0; sample < snapshot.count; sample++) {
    let at = sample * size;
    entries[at++] = keys[sample * 2]!;
    entries[at++] = keys[sample * 2 + 1]!;
    for (let column = 0; column < order.length; column++) {
      const value = (sample * snapshot.columns + order[column]!) * 2;
      entries[at++] = values[value]!;
      entries[at++] = values[value + 1]!;
    }
  }
}

/** Entries to remember although the snapshot hasn't got them: those that vanished now first, so that the oldest fall out. */
function vanishedEntries(before: DeltaState, snapshot: Snapshot, size: number, max: number): number[] {
  const { entries, samples, patience } = before;
  const vanished: number[] = [];
  const count = samples + patience.length;
  for (let entry = 0; entry < count && vanished.length < max; entry++) {
    if (snapshot.matchedBy[entry]! >= 0) continue;
    if (entry >= samples && patience[entry - samples]! <= 1) continue;
    if (hasValue(entries, entry * size + 2, (entry + 1) * size)) vanished.push(entry);
  }
  return vanished;
}

function hasValue(entries: Int32Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (entries[at] !== 0) return true;
  return false;
}
