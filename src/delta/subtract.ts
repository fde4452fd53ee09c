import { ProfileError } from '../errors.ts';
import { int64 } from '../profile/profile-fault.ts';
import type { SampleType } from '../profile/sample-type.ts';
import { type DeltaState, entrySize } from './delta-state.ts';
import type { Snapshot } from './snapshot.ts';

/** What came of a walk over a snapshot. */
export interface Subtraction {
  /** Exact sum of each cumulative column. */
  readonly totals: readonly bigint[];
  /** Of each cumulative column the sum of max(0, before - now) over the samples that the state has, too. */
  readonly fallen: readonly bigint[];
  /** Samples with a value that fell and was set to 0. */
  readonly clamped: number;
}

/**
 * One walk over each cumulative column of a snapshot. Writes its values into the entries of the next state (which have the
 * keys already: `Snapshot.takeEntries`), adds them up,
 * and takes the values of the state before from them, in place; what would be negative becomes 0. A sample that the state
 * hasn't got keeps its full value: it began in the interval. `order` has the profile's column for each of the state's.
 */
export function subtract(
  snapshot: Snapshot,
  before: DeltaState | undefined,
  order: readonly number[],
  entries: Int32Array,
): Subtraction {
  const totals: bigint[] = [];
  const fallen: bigint[] = [];
  let clamped = 0;
  for (let column = 0; column < order.length; column++) {
    const sums = subtractColumn(snapshot, before, order, column, entries);
    totals.push(sums.total);
    fallen.push(sums.fallen);
    clamped += sums.clamped;
  }
  return { totals, fallen, clamped };
}

/** Undoes the subtraction. */
export function restore(snapshot: Snapshot, order: readonly number[], entries: Int32Array): void {
  const { columns, count, values } = snapshot;
  const size = entrySize(order.length);
  for (let sample = 0; sample < count; sample++) {
    for (let column = 0; column < order.length; column++) {
      const value = (sample * columns + order[column]!) * 2;
      const entry = sample * size + 2 + column * 2;
      values[value] = entries[entry]!;
      values[value + 1] = entries[entry + 1]!;
    }
  }
}

/** Sets negative values of some columns to 0, in place. Gives the number of samples that had one. */
export function clampNegative({ columns, count, values }: Snapshot, clampedColumns: readonly number[]): number {
  let clamped = 0;
  for (let sample = 0; sample < count; sample++) {
    let fell = 0;
    for (const column of clampedColumns) {
      const at = (sample * columns + column) * 2;
      if (values[at + 1]! >= 0) continue;
      values[at] = 0;
      values[at + 1] = 0;
      fell = 1;
    }
    clamped += fell;
  }
  return clamped;
}

/** Throws ProfileError where a column that counts up has a negative value: then it is no count since a process started. */
export function refuseNegative(snapshot: Snapshot, order: readonly number[], sampleTypes: readonly SampleType[]): void {
  const { columns, count, values } = snapshot;
  for (const column of order) {
    for (let sample = 0; sample < count; sample++) {
      const at = (sample * columns + column) * 2;
      if (values[at + 1]! >= 0) continue;
      const { type, unit } = sampleTypes[column]!;
      throw new ProfileError(
        'NEGATIVE_COUNT',
        `${type}/${unit} is ${int64(values[at]!, values[at + 1]!)} in sample[${snapshot.messageOf(sample)}]: ` +
          'a count since the start of a process is never negative, so this is a difference already',
        { hint: `a scrape passes it through with sample-types: { ${type}: { cumulative: false } }` },
      );
    }
  }
}

interface ColumnSums {
  readonly total: bigint;
  readonly fallen: bigint;
  /** Samples of which this column fell and none before it. */
  readonly clamped: number;
}

/** A column at a time, so that its sums stay in registers. */
function subtractColumn(
  snapshot: Snapshot,
  before: DeltaState | undefined,
  order: readonly number[],
  column: number,
  entries: Int32Array,
): ColumnSums {
  const { columns, count, matches, values } = snapshot;
  const size = entrySize(order.length);
  const old = before?.entries ?? NOTHING;
  // Sums of halves, exact for up to 2^21 samples without a BigInt for each.
  let totalLo = 0;
  let totalHi = 0;
  let fallenLo = 0;
  let fallenHi = 0;
  let clamped = 0;
  let value = order[column]! * 2;
  let to = 2 + column * 2;
  for (let sample = 0; sample < count; sample++, value += columns * 2, to += size) {
    const lo = values[value]!;
    const hi = values[value + 1]!;
    totalLo += lo >>> 0;
    totalHi += hi;
    entries[to] = lo;
    entries[to + 1] = hi;
    const match = matches[sample]!;
    if (match < 0) continue;
    const from = match * size + 2 + column * 2;
    const oldLo = old[from]!;
    const changeHi = hi - old[from + 1]! - (lo >>> 0 < oldLo >>> 0 ? 1 : 0);
    if (changeHi >= 0) {
      values[value] = (lo - oldLo) | 0;
      values[value + 1] = changeHi;
      continue;
    }
    const borrow = oldLo >>> 0 < lo >>> 0 ? 1 : 0;
    fallenLo += (oldLo - lo) >>> 0;
    fallenHi += old[from + 1]! - hi - borrow;
    if (!fellBefore(entries, to, old, from, column)) clamped++;
    values[value] = 0;
    values[value + 1] = 0;
  }
  return { total: sumOfHalves(totalLo, totalHi), fallen: sumOfHalves(fallenLo, fallenHi), clamped };
}

/** Whether one of the columns before this one fell, too. */
function fellBefore(entries: Int32Array, to: number, old: Int32Array, from: number, column: number): boolean {
  for (let back = 2; back <= column * 2; back += 2) {
    const hi = entries[to - back + 1]!;
    const oldHi = old[from - back + 1]!;
    if (hi < oldHi || (hi === oldHi && entries[to - back]! >>> 0 < old[from - back]! >>> 0)) return true;
  }
  return false;
}

function sumOfHalves(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) + BigInt(lo);
}

const NOTHING = new Int32Array(0);
