import { ProfileError } from '../errors.ts';
import { Int32List } from '../profile/int32-list.ts';
import type { SampleReader } from '../profile/sample-reader.ts';
import { type DeltaState, entrySize } from './delta-state.ts';
import { KeyTable } from './key-table.ts';
import type { SampleKeys } from './sample-keys.ts';

/**
 * The distinct samples of one profile, duplicates summed, each matched with its entry in the state.
 *
 * Matching goes by a cursor first: Go lists heap buckets in a stable order with the new ones in front, so the next sample
 * mostly is the next entry. Only when that fails a table is built. Samples that aren't in the state go into the same
 * table, numbered on from the last entry.
 */
export class Snapshot {
  /** Distinct samples so far. */
  count = 0;
  /** Two halves for each. */
  readonly keys = new Int32List();
  /** Low and high half for each column of each. */
  readonly values = new Int32List();
  /** For each the first sample message that it comes from. */
  readonly messages = new Int32List();
  /** For each its entry in the state, or -1. */
  readonly matches = new Int32List();
  /** For each entry of the state its sample here, or -1. */
  matchedBy: Int32Array = new Int32Array(256);

  columns = 0;
  #entries: Int32Array = new Int32Array(0);
  #entrySize = 2;
  #entryCount = 0;
  #cursor = 0;
  #maxSamples = 0;
  #hasTable = false;
  readonly #table = new KeyTable();

  /** Starts on a profile with so many columns and at most so many samples. */
  start(state: DeltaState | undefined, columns: number, maxSamples: number): void {
    this.count = 0;
    for (const list of [this.keys, this.values, this.messages, this.matches]) list.clear();
    this.columns = columns;
    this.#entrySize = entrySize(state?.columns.length ?? 0);
    this.#entries = state?.entries ?? EMPTY;
    this.#entryCount = this.#entries.length / this.#entrySize;
    this.#cursor = 0;
    this.#maxSamples = maxSamples;
    this.#hasTable = false;
    if (this.matchedBy.length < this.#entryCount) this.matchedBy = new Int32Array(this.#entryCount);
    this.matchedBy.fill(-1, 0, this.#entryCount);
  }

  /** Takes one sample. Throws ProfileError if a sum of duplicates is more than an int64. */
  add(message: number, { a, b }: SampleKeys, sample: SampleReader): void {
    const cursor = this.#cursor;
    if (cursor < this.#entryCount && this.#isEntry(cursor, a, b) && this.matchedBy[cursor] === -1) {
      this.#cursor = cursor + 1;
      this.#addNew(message, a, b, sample, cursor);
      return;
    }
    if (!this.#hasTable) this.#buildTable();
    const table = this.#table;
    let place = table.first(a);
    for (let number = table.at(place); number >= 0; place = table.next(place), number = table.at(place)) {
      if (number < this.#entryCount) {
        if (!this.#isEntry(number, a, b)) continue;
        const known = this.matchedBy[number]!;
        if (known >= 0) {
          this.#sum(known, message, sample);
        } else {
          this.#cursor = number + 1;
          this.#addNew(message, a, b, sample, number);
        }
        return;
      }
      const known = number - this.#entryCount;
      if (this.keys.data[known * 2] === a && this.keys.data[known * 2 + 1] === b) {
        this.#sum(known, message, sample);
        return;
      }
    }
    table.put(place, this.#entryCount + this.count);
    this.#addNew(message, a, b, sample, -1);
  }

  #isEntry(entry: number, a: number, b: number): boolean {
    const at = entry * this.#entrySize;
    return this.#entries[at] === a && this.#entries[at + 1] === b;
  }

  /** Puts all entries of the state into the table. Their keys differ from each other. */
  #buildTable(): void {
    const table = this.#table;
    table.reset(this.#entryCount + this.#maxSamples);
    for (let entry = 0; entry < this.#entryCount; entry++) {
      let place = table.first(this.#entries[entry * this.#entrySize]!);
      while (table.at(place) >= 0) place = table.next(place);
      table.put(place, entry);
    }
    this.#hasTable = true;
  }

  #addNew(message: number, a: number, b: number, sample: SampleReader, entry: number): void {
    this.keys.push(a);
    this.keys.push(b);
    const { values } = sample;
    for (let at = 0; at < this.columns * 2; at++) this.values.push(values[at]!);
    this.messages.push(message);
    this.matches.push(entry);
    if (entry >= 0) this.matchedBy[entry] = this.count;
    this.count++;
  }

  /** Adds a duplicate to the sample that came first. */
  #sum(known: number, message: number, sample: SampleReader): void {
    const sums = this.values.data;
    const { values } = sample;
    for (let column = 0; column < this.columns; column++) {
      const at = (known * this.columns + column) * 2;
      const lo = (sums[at]! + values[column * 2]!) | 0;
      const carry = lo >>> 0 < sums[at]! >>> 0 ? 1 : 0;
      const hi = sums[at + 1]! + values[column * 2 + 1]! + carry;
      if (hi !== (hi | 0)) {
        throw new ProfileError(
          'PROFILE_OVERFLOW',
          `malformed profile: sample[${message}] and its duplicates add up to more than 64 bits in column ${column}`,
        );
      }
      sums[at] = lo;
      sums[at + 1] = hi;
    }
  }
}

const EMPTY = new Int32Array(0);
