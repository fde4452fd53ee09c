import { ProfileError } from '../errors.ts';
import { withRoom } from '../profile/with-room.ts';
import { type DeltaState, entrySize } from './delta-state.ts';
import { KeyTable } from './key-table.ts';

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
  keys: Int32Array = new Int32Array(0);
  /** Low and high half for each column of each, and room for one sample more. */
  values: Int32Array = new Int32Array(0);
  /** For each the first sample message that it comes from. */
  messages: Int32Array = new Int32Array(0);
  /** For each its entry in the state, or -1. */
  matches: Int32Array = new Int32Array(0);
  /** For each entry of the state its sample here, or -1. */
  matchedBy: Int32Array = new Int32Array(0);

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
    this.keys = withRoom(this.keys, maxSamples * 2);
    this.values = withRoom(this.values, (maxSamples + 1) * columns * 2);
    this.messages = withRoom(this.messages, maxSamples);
    this.matches = withRoom(this.matches, maxSamples);
    this.columns = columns;
    this.#entrySize = entrySize(state?.columns.length ?? 0);
    this.#entries = state?.entries ?? EMPTY;
    this.#entryCount = this.#entries.length / this.#entrySize;
    this.#cursor = 0;
    this.#maxSamples = maxSamples;
    this.#hasTable = false;
    this.matchedBy = withRoom(this.matchedBy, this.#entryCount);
    this.matchedBy.fill(-1, 0, this.#entryCount);
  }

  /** Where in `values` the next sample's values belong. */
  get nextValues(): number {
    return this.count * this.columns * 2;
  }

  /**
   * Takes the sample whose values were put at `nextValues`. Throws ProfileError if a sum of duplicates is more than an
   * int64.
   */
  add(message: number, a: number, b: number): void {
    const cursor = this.#cursor;
    if (cursor < this.#entryCount && this.#isEntry(cursor, a, b) && this.matchedBy[cursor] === -1) {
      this.#cursor = cursor + 1;
      this.#addNew(message, a, b, cursor);
    } else {
      this.#find(message, a, b);
    }
  }

  #find(message: number, a: number, b: number): void {
    if (!this.#hasTable) this.#buildTable();
    const table = this.#table;
    let place = table.first(a);
    for (let number = table.at(place); number >= 0; place = table.next(place), number = table.at(place)) {
      if (number < this.#entryCount) {
        if (!this.#isEntry(number, a, b)) continue;
        const known = this.matchedBy[number]!;
        if (known >= 0) {
          this.#sum(known, message);
        } else {
          this.#cursor = number + 1;
          this.#addNew(message, a, b, number);
        }
        return;
      }
      const known = number - this.#entryCount;
      if (this.keys[known * 2] === a && this.keys[known * 2 + 1] === b) {
        this.#sum(known, message);
        return;
      }
    }
    table.put(place, this.#entryCount + this.count);
    this.#addNew(message, a, b, -1);
  }

  #isEntry(entry: number, a: number, b: number): boolean {
    const at = entry * this.#entrySize;
    return this.#entries[at] === a && this.#entries[at + 1] === b;
  }

  /** Puts all entries of the state into the table. Their keys differ from each other. */
  #buildTable(): void {
    const table = this.#table;
    const entries = this.#entries;
    const size = this.#entrySize;
    table.reset(this.#entryCount + this.#maxSamples);
    for (let entry = 0; entry < this.#entryCount; entry++) {
      let place = table.first(entries[entry * size]!);
      while (table.at(place) >= 0) place = table.next(place);
      table.put(place, entry);
    }
    this.#hasTable = true;
  }

  #addNew(message: number, a: number, b: number, entry: number): void {
    const sample = this.count++;
    this.keys[sample * 2] = a;
    this.keys[sample * 2 + 1] = b;
    this.messages[sample] = message;
    this.matches[sample] = entry;
    if (entry >= 0) this.matchedBy[entry] = sample;
  }

  /** Adds the duplicate at `nextValues` to the sample that came first. */
  #sum(known: number, message: number): void {
    const { values, columns } = this;
    const duplicate = this.nextValues;
    for (let column = 0; column < columns; column++) {
      const at = (known * columns + column) * 2;
      const lo = (values[at]! + values[duplicate + column * 2]!) | 0;
      const carry = lo >>> 0 < values[at]! >>> 0 ? 1 : 0;
      const hi = values[at + 1]! + values[duplicate + column * 2 + 1]! + carry;
      if (hi !== (hi | 0)) {
        throw new ProfileError(
          'PROFILE_OVERFLOW',
          `malformed profile: sample[${message}] and its duplicates add up to more than 64 bits in column ${column}`,
        );
      }
      values[at] = lo;
      values[at + 1] = hi;
    }
  }
}

const EMPTY = new Int32Array(0);
