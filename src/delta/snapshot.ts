import { ProfileError } from '../errors.ts';
import { isLarge, withoutRoom, withRoom } from '../profile/with-room.ts';
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
  /** Entries of the next state: of each the two halves of the key, and room for its cumulative values. */
  #keys: Int32Array = new Int32Array(0);
  #stride = 2;
  #expectMemory: (bytes: number) => void = NO_LIMIT;
  /** Low and high half for each column of each, and room for one sample more. */
  values: Int32Array = new Int32Array(0);
  /** Where samples were summed: for each the first sample message that it comes from. */
  #messages: Int32Array = new Int32Array(0);
  #hasSummed = false;
  /** For each its entry in the state, or -1. */
  matches: Int32Array = new Int32Array(0);
  /** For each entry of the state its sample here, or -1. */
  matchedBy: Int32Array = new Int32Array(0);

  /** Both of them. The C library returns memory at once only where it is more than 32 MB. */
  #links: Int32Array = new Int32Array(0);
  columns = 0;
  #entries: Int32Array = new Int32Array(0);
  #entrySize = 2;
  #entryCount = 0;
  #cursor = 0;
  #maxSamples = 0;
  #hasTable = false;
  readonly #table = new KeyTable();

  /** What a sample of so many columns takes beside its entry: values, match, message. */
  static bytesOfSample(columns: number): number {
    return columns * 8 + 4 + 4;
  }

  /**
   * Starts on a profile with so many columns and at most so many samples; `stride` ints for each entry of the next state.
   * `expectMemory` is told how much more memory is needed, and may throw.
   */
  start(
    state: DeltaState | undefined,
    columns: number,
    maxSamples: number,
    stride = 2,
    expectMemory: (bytes: number) => void = NO_LIMIT,
  ): void {
    this.#expectMemory = expectMemory;
    this.count = 0;
    this.values = withRoom(this.values, (maxSamples + 1) * columns * 2);
    this.columns = columns;
    this.#entrySize = entrySize(state?.columns.length ?? 0);
    this.#entries = state?.entries ?? EMPTY;
    this.#entryCount = this.#entries.length / this.#entrySize;
    this.#stride = stride;
    // Room behind them for those of the state that vanish. What is never written to costs nothing.
    this.#keys = withRoom(this.#keys, (maxSamples + this.#entryCount) * stride);
    this.#cursor = 0;
    this.#maxSamples = maxSamples;
    this.#hasTable = false;
    this.#hasSummed = false;
    this.#links = withRoom(this.#links, maxSamples + this.#entryCount);
    this.matches = this.#links.subarray(0, maxSamples);
    this.matchedBy = this.#links.subarray(maxSamples, maxSamples + this.#entryCount);
    this.matchedBy.fill(-1);
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

  /** The first sample message that a sample comes from. Until the first is summed these are the same number. */
  messageOf(sample: number): number {
    return this.#hasSummed ? this.#messages[sample]! : sample;
  }

  /** The entries of the next state, so many of them, with keys only. Large ones are given away, without a copy. */
  takeEntries(count: number): Int32Array {
    const entries = this.#keys;
    if (!isLarge(entries)) return entries.slice(0, count * this.#stride);
    this.#keys = EMPTY;
    return entries.subarray(0, count * this.#stride);
  }

  /** Lets go of what was needed to read the samples. */
  endReading(): void {
    this.#table.shrink();
  }

  /** Lets go of what was needed to subtract; `values` stay. */
  endSubtraction(): void {
    this.#links = withoutRoom(this.#links);
    this.matches = EMPTY;
    this.matchedBy = EMPTY;
    this.#entries = EMPTY;
  }

  /** Lets go of all that a huge profile made large. */
  end(): void {
    this.endReading();
    this.endSubtraction();
    this.values = withoutRoom(this.values);
    this.#messages = withoutRoom(this.#messages);
    this.#keys = withoutRoom(this.#keys);
  }

  #startMessages(): void {
    this.#messages = withRoom(this.#messages, this.#maxSamples);
    for (let sample = 0; sample < this.count; sample++) this.#messages[sample] = sample;
    this.#hasSummed = true;
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
      if (this.#keys[known * this.#stride] === a && this.#keys[known * this.#stride + 1] === b) {
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
    const keys = this.#entryCount + this.#maxSamples;
    this.#expectMemory(KeyTable.bytesFor(keys));
    table.reset(keys);
    for (let entry = 0; entry < this.#entryCount; entry++) {
      let place = table.first(entries[entry * size]!);
      while (table.at(place) >= 0) place = table.next(place);
      table.put(place, entry);
    }
    this.#hasTable = true;
  }

  #addNew(message: number, a: number, b: number, entry: number): void {
    const sample = this.count++;
    this.#keys[sample * this.#stride] = a;
    this.#keys[sample * this.#stride + 1] = b;
    if (this.#hasSummed) this.#messages[sample] = message;
    this.matches[sample] = entry;
    if (entry >= 0) this.matchedBy[entry] = sample;
  }

  /** Adds the duplicate at `nextValues` to the sample that came first. */
  #sum(known: number, message: number): void {
    if (!this.#hasSummed) this.#startMessages();
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
const NO_LIMIT = (): void => undefined;
