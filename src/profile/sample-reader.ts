import { LABEL, SAMPLE } from './message-types.ts';
import { int64, overLimit, uint64Text } from './profile-fault.ts';
import type { ProfileIndex } from './profile-index.ts';
import { WireReader } from './wire-reader.ts';

/** Ints kept for a label: string indexes of key and str, the halves of num, string index of num_unit. */
export const LABEL_FIELDS = 5;

// Odd numbers with bits all over. The lanes have different ones, so that what collides in one doesn't in the other.
const MULTIPLIER_A = 0x9e3779b1;
const MULTIPLIER_B = 0x85ebca6b;

const LOCATION_ID = 0x08;
const LOCATION_IDS = 0x0a;
const VALUE = 0x10;
const VALUES = 0x12;
const LABEL_MESSAGE = 0x1a;
const LABEL_KEY = 0x08;
const LABEL_STR = 0x10;
const LABEL_NUM = 0x18;
const LABEL_NUM_UNIT = 0x20;

/**
 * Reads the samples of an indexed profile one after the other and checks them: every location exists, there is one value
 * for each sample type, every label has a key and not two values. This is where the time goes, so the stack isn't kept but
 * folded into two hash lanes while it is read.
 *
 * There are two readers inside. The fast one knows what ordinary profiles hold: one-byte tags, short ids, no unknown field.
 * Where it meets anything else it gives up without a verdict, and the careful one reads the same sample by the book. Only
 * that one finds faults, and names them.
 */
export class SampleReader {
  /** Locations of the stack. */
  depth = 0;
  /** The stack's hash, of the locations' lanes that `start` was given. */
  stackA = 0;
  stackB = 0;
  /** LABEL_FIELDS ints for each label. */
  labels: Int32Array = new Int32Array(16 * LABEL_FIELDS);
  labelCount = 0;

  readonly #index: ProfileIndex;
  readonly #reader = new WireReader();
  readonly #labelReader = new WireReader(this.#reader);
  #bytes: Uint8Array = new Uint8Array(0);
  #locations: Int32Array = new Int32Array(0);
  #allowNegative = false;
  #columns = 0;
  #strings = 0;
  #valueCount = 0;
  #maxDepth = 0;
  #maxLabels = 0;
  #areIdsSequential = true;
  #locationCount = 0;
  #seedA = 0;
  #seedB = 0;
  /** Locations of all stacks so far. */
  #references = 0;
  /** Halves of the last long varint. */
  #lo = 0;
  #hi = 0;

  constructor(index: ProfileIndex) {
    this.#index = index;
  }

  /**
   * To be called when the index has been filled. `locations` holds two hash lanes for each location at twice its slot;
   * without it the stack's hash means nothing.
   */
  start(allowNegative: boolean, locations?: Int32Array, seedA = 0, seedB = 0): void {
    const { bytes, sampleTypes, symbols, strings, limits } = this.#index;
    this.#bytes = bytes;
    this.#reader.bytes = bytes;
    this.#labelReader.bytes = bytes;
    this.#allowNegative = allowNegative;
    this.#columns = sampleTypes.length;
    this.#strings = strings.length;
    this.#maxDepth = limits.maxStackDepth;
    this.#maxLabels = limits.maxLabelsPerSample;
    this.#areIdsSequential = symbols.locationIds.isSequential;
    this.#locationCount = symbols.locationCount;
    this.#locations = locations ?? new Int32Array((symbols.locationCount + 1) * 2);
    this.#seedA = seedA;
    this.#seedB = seedB;
    this.#references = 0;
  }

  /** Reads a sample by its number, from 0, its values into `values` from `at` on: low and high half for each column. */
  read(sample: number, values: Int32Array, at: number): void {
    const ranges = this.#index.samples.data;
    if (!this.#readFast(ranges[sample * 2]!, ranges[sample * 2 + 1]!, values, at)) {
      this.#readCarefully(sample, values, at);
    }
    this.#references += this.depth;
    const { maxLocationReferences } = this.#index.limits;
    if (this.#references > maxLocationReferences) {
      throw overLimit(`its stacks have more than ${maxLocationReferences} locations together`);
    }
  }

  #clear(): void {
    this.depth = 0;
    this.stackA = this.#seedA;
    this.stackB = this.#seedB;
    this.labelCount = 0;
    this.#valueCount = 0;
  }

  #readFast(start: number, end: number, values: Int32Array, at: number): boolean {
    const bytes = this.#bytes;
    let pos = start;
    this.#clear();
    while (pos < end) {
      const tag = bytes[pos++]!;
      let stop = pos + 1;
      if (tag === LOCATION_IDS || tag === VALUES || tag === LABEL_MESSAGE) {
        let length = bytes[pos++]!;
        if (length >= 0x80) {
          length = (length & 0x7f) | (bytes[pos++]! << 7);
          if (length >= 0x4000) return false;
        }
        stop = pos + length;
        if (stop > end) return false;
      }
      // An unpacked number is read as a packed field whose end isn't known: up to one byte from here at least.
      if (tag === LOCATION_IDS || tag === LOCATION_ID) pos = this.#readStack(pos, stop);
      else if (tag === VALUES || tag === VALUE) pos = this.#readValues(pos, stop, values, at);
      else if (tag === LABEL_MESSAGE) pos = this.#readLabel(pos, stop);
      else return false;
      if (pos !== stop && (pos < 0 || (tag & 7) === 2)) return false;
    }
    return pos === end && this.#valueCount === this.#columns;
  }

  /** Folds in the location ids up to `stop`. Where they end, or -1 to give up. */
  #readStack(start: number, stop: number): number {
    const bytes = this.#bytes;
    const locations = this.#locations;
    const count = this.#locationCount;
    const areSequential = this.#areIdsSequential;
    let depth = this.depth;
    let a = this.stackA;
    let b = this.stackB;
    let pos = start;
    while (pos < stop) {
      let slot = bytes[pos++]!;
      if (slot >= 0x80) {
        slot = (slot & 0x7f) | (bytes[pos++]! << 7);
        if (slot >= 0x4000) {
          slot = (slot & 0x3fff) | (bytes[pos++]! << 14);
          if (slot >= 0x20_0000) return -1;
        }
      }
      if (!areSequential) slot = this.#index.symbols.locationIds.find(slot, 0);
      if (slot === 0 || slot > count) return -1;
      a = Math.imul(a ^ locations[slot * 2]!, MULTIPLIER_A);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b ^ locations[slot * 2 + 1]!, MULTIPLIER_B);
      b = (b << 17) | (b >>> 15);
      depth++;
    }
    if (depth > this.#maxDepth) return -1;
    this.depth = depth;
    this.stackA = a;
    this.stackB = b;
    return pos;
  }

  #readValues(start: number, stop: number, values: Int32Array, at: number): number {
    const bytes = this.#bytes;
    const columns = this.#columns;
    let count = this.#valueCount;
    let pos = start;
    while (pos < stop) {
      if (count === columns) return -1;
      let lo = bytes[pos]!;
      let hi = 0;
      if (lo < 0x80) {
        pos++;
      } else {
        pos = this.#readLong(pos);
        if (pos < 0) return -1;
        lo = this.#lo;
        hi = this.#hi;
        if (hi < 0 && !this.#allowNegative) return -1;
      }
      values[at + count * 2] = lo;
      values[at + count * 2 + 1] = hi;
      count++;
    }
    this.#valueCount = count;
    return pos;
  }

  #readLabel(start: number, stop: number): number {
    const bytes = this.#bytes;
    const strings = this.#strings;
    let pos = start;
    let key = 0;
    let str = 0;
    let numLo = 0;
    let numHi = 0;
    let unit = 0;
    while (pos < stop) {
      const tag = bytes[pos++]!;
      let lo = bytes[pos]!;
      let hi = 0;
      if (lo < 0x80) {
        pos++;
      } else {
        pos = this.#readLong(pos);
        if (pos < 0) return -1;
        lo = this.#lo;
        hi = this.#hi;
      }
      if (tag === LABEL_NUM) {
        numLo = lo;
        numHi = hi;
        continue;
      }
      if (hi !== 0 || lo < 0 || lo >= strings) return -1;
      if (tag === LABEL_KEY) key = lo;
      else if (tag === LABEL_STR) str = lo;
      else if (tag === LABEL_NUM_UNIT) unit = lo;
      else return -1;
    }
    if (key === 0 || (str !== 0 && (numLo | numHi) !== 0)) return -1;
    const at = this.labelCount * LABEL_FIELDS;
    const labels = this.labels;
    if (at === labels.length || this.labelCount === this.#maxLabels) return -1;
    labels[at] = key;
    labels[at + 1] = str;
    labels[at + 2] = numLo;
    labels[at + 3] = numHi;
    labels[at + 4] = unit;
    this.labelCount++;
    return pos;
  }

  /** Reads a varint of up to 9 bytes into `#lo` and `#hi`. Where it ends, or -1 to give up. */
  #readLong(start: number): number {
    const bytes = this.#bytes;
    let pos = start;
    let byte = bytes[pos++]!;
    let lo = byte & 0x7f;
    let hi = 0;
    for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << shift;
    }
    if (byte >= 0x80) {
      // The fifth byte lies across the halves: bits 28 to 34.
      byte = bytes[pos++]!;
      lo |= byte << 28;
      hi = (byte & 0x7f) >>> 4;
      for (let shift = 3; byte >= 0x80; shift += 7) {
        if (shift > 24) return -1;
        byte = bytes[pos++]!;
        hi |= (byte & 0x7f) << shift;
      }
    }
    this.#lo = lo;
    this.#hi = hi;
    return pos;
  }

  #readCarefully(sample: number, values: Int32Array, at: number): void {
    const reader = this.#reader;
    const ranges = this.#index.samples.data;
    this.#clear();
    reader.enter(SAMPLE, sample, ranges[sample * 2]!, ranges[sample * 2 + 1]!);
    while (reader.next()) {
      if (reader.field === 3) {
        this.#takeLabel();
        continue;
      }
      if (!reader.isPacked) {
        this.#takeNumber(values, at);
        continue;
      }
      const { stop } = reader;
      reader.pos = reader.start;
      while (reader.pos < stop) {
        reader.readVarint(stop);
        this.#takeNumber(values, at);
      }
    }
    if (this.#valueCount !== this.#columns) {
      reader.field = 2;
      throw reader.fault(
        `has ${this.#valueCount} numbers, the profile has ${this.#columns} sample types`,
        ranges[sample * 2]!,
      );
    }
  }

  /** Takes one location_id or value. */
  #takeNumber(values: Int32Array, at: number): void {
    const reader = this.#reader;
    const { lo, hi } = reader;
    if (reader.field === 1) {
      const slot = this.#index.symbols.locationIds.find(lo, hi);
      if (slot === 0) throw reader.fault(`is ${uint64Text(lo, hi)}, but there is no such location`);
      this.#takeLocation(slot);
      return;
    }
    if (hi < 0 && !this.#allowNegative) throw reader.fault(`is negative: ${int64(lo, hi)}`);
    if (this.#valueCount < this.#columns) {
      values[at + this.#valueCount * 2] = lo;
      values[at + this.#valueCount * 2 + 1] = hi;
    }
    this.#valueCount++;
  }

  #takeLocation(slot: number): void {
    if (this.depth === this.#maxDepth) {
      this.#reader.field = 0;
      throw overLimit(`${this.#reader.path()} has more than ${this.#maxDepth} locations`);
    }
    const a = Math.imul(this.stackA ^ this.#locations[slot * 2]!, MULTIPLIER_A);
    this.stackA = (a << 13) | (a >>> 19);
    const b = Math.imul(this.stackB ^ this.#locations[slot * 2 + 1]!, MULTIPLIER_B);
    this.stackB = (b << 17) | (b >>> 15);
    this.depth++;
  }

  #takeLabel(): void {
    const reader = this.#labelReader;
    const strings = this.#strings;
    if (this.labelCount === this.#maxLabels) {
      this.#reader.field = 0;
      throw overLimit(`${this.#reader.path()} has more than ${this.#maxLabels} labels`);
    }
    const at = this.labelCount * LABEL_FIELDS;
    if (at === this.labels.length) this.labels = grown(this.labels);
    const { labels } = this;
    labels.fill(0, at, at + LABEL_FIELDS);
    reader.enter(LABEL, this.labelCount, this.#reader.start, this.#reader.stop);
    while (reader.next()) {
      if (reader.field === 1) labels[at] = reader.index(strings);
      else if (reader.field === 2) labels[at + 1] = reader.index(strings);
      else if (reader.field === 4) labels[at + 4] = reader.index(strings);
      else {
        labels[at + 2] = reader.lo;
        labels[at + 3] = reader.hi;
      }
    }
    if (labels[at] === 0) throw reader.messageFault('has no key');
    if (labels[at + 1] !== 0 && (labels[at + 2]! | labels[at + 3]!) !== 0) {
      throw reader.messageFault('has both str and num');
    }
    this.labelCount++;
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
