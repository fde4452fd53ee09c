import { type DeltaState, entrySize } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Takes the state's values from the cumulative columns of a snapshot, in place; what would be negative becomes 0. A sample
 * that the state hasn't got keeps its full value: it began in the interval. Gives the number of samples with a value set to 0.
 */
export function subtract(snapshot: Snapshot, state: DeltaState, order: readonly number[]): number {
  const { entries } = state;
  const { columns } = snapshot;
  const values = snapshot.values;
  const matches = snapshot.matches;
  const size = entrySize(state.columns.length);
  let clamped = 0;
  for (let sample = 0; sample < snapshot.count; sample++) {
    const entry = matches[sample]!;
    if (entry < 0) continue;
    let fell = 0;
    for (let at = 0; at < order.length; at++) {
      const old = entry * size + 2 + at * 2;
      const now = (sample * columns + order[at]!) * 2;
      const oldLo = entries[old]!;
      const newLo = values[now]!;
      const borrow = newLo >>> 0 < oldLo >>> 0 ? 1 : 0;
      const hi = values[now + 1]! - entries[old + 1]! - borrow;
      if (hi < 0) fell = 1;
      values[now] = hi < 0 ? 0 : (newLo - oldLo) | 0;
      values[now + 1] = Math.max(hi, 0);
    }
    clamped += fell;
  }
  return clamped;
}

/** Sets negative values to 0, in place. Gives the number of samples that had one. */
export function clampNegative(snapshot: Snapshot): number {
  const values = snapshot.values;
  const { columns } = snapshot;
  let clamped = 0;
  for (let sample = 0; sample < snapshot.count; sample++) {
    let fell = 0;
    for (let at = sample * columns * 2; at < (sample + 1) * columns * 2; at += 2) {
      if (values[at + 1]! >= 0) continue;
      values[at] = 0;
      values[at + 1] = 0;
      fell = 1;
    }
    clamped += fell;
  }
  return clamped;
}
