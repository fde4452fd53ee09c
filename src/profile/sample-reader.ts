import { LABEL, SAMPLE } from './message-types.ts';
import { int64, overLimit, uint64Text } from './profile-fault.ts';
import type { ProfileIndex } from './profile-index.ts';
import { WireReader } from './wire-reader.ts';

/** Ints kept for a label: string indexes of key and str, the halves of num, string index of num_unit. */
export const LABEL_FIELDS = 5;

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
 * Reads one sample after the other into the same arrays, and checks it: every location exists, there is one value for
 * each sample type, every label has a key and not two values.
 *
 * There are two readers inside. The fast one knows what ordinary profiles hold: one-byte tags, short ids, no unknown field.
 * Where it meets anything else it gives up without a verdict, and the careful one reads the same sample by the book. Only
 * that one finds faults, and names them.
 */
export class SampleReader {
  /** Location slots of the stack, leaf first. Replaced when a deeper one comes. */
  stack: Int32Array = new Int32Array(1024);
  depth = 0;
  /** Two ints for each column: the low and the high half. */
  values: Int32Array = new Int32Array(16);
  /** LABEL_FIELDS ints for each label. */
  labels: Int32Array = new Int32Array(16 * LABEL_FIELDS);
  labelCount = 0;

  readonly #index: ProfileIndex;
  readonly #reader = new WireReader();
  readonly #labelReader = new WireReader(this.#reader);
  #allowNegative = false;
  /** Sample types of the profile. */
  columns = 0;
  #valueCount = 0;
  /** Number of locations if their ids are 1, 2, 3 …; else 0. */
  #sequentialIds = 0;
  /** Locations of all stacks so far. */
  #references = 0;
  /** Halves of the last long varint. */
  #lo = 0;
  #hi = 0;

  constructor(index: ProfileIndex) {
    this.#index = index;
  }

  /** To be called when the index has been filled with a profile. */
  start(allowNegative: boolean): void {
    const { bytes, sampleTypes, symbols } = this.#index;
    this.#reader.bytes = bytes;
    this.#labelReader.bytes = bytes;
    this.#allowNegative = allowNegative;
    this.columns = sampleTypes.length;
    this.#sequentialIds = symbols.locationIds.isSequential ? symbols.locationCount : 0;
    this.#references = 0;
    if (this.values.length < this.columns * 2) this.values = new Int32Array(this.columns * 2);
  }

  /** Reads a sample by its number, from 0. Throws ProfileError. */
  read(sample: number): void {
    const ranges = this.#index.samples.data;
    if (!this.#readFast(ranges[sample * 2]!, ranges[sample * 2 + 1]!)) this.#readCarefully(sample);
    this.#references += this.depth;
    const { maxLocationReferences } = this.#index.limits;
    if (this.#references > maxLocationReferences) {
      throw overLimit(`its stacks have more than ${maxLocationReferences} locations together`);
    }
  }

  #readFast(start: number, end: number): boolean {
    const bytes = this.#index.bytes;
    let pos = start;
    this.depth = 0;
    this.labelCount = 0;
    this.#valueCount = 0;
    while (pos < end) {
      const tag = bytes[pos++]!;
      let stop = -1;
      if (tag === LOCATION_IDS || tag === VALUES || tag === LABEL_MESSAGE) {
        let length = bytes[pos++]!;
        if (length >= 0x80) {
          const second = bytes[pos++]!;
          if (second >= 0x80) return false;
          length = (length & 0x7f) | (second << 7);
        }
        stop = pos + length;
        if (stop > end) return false;
      }
      if (tag === LOCATION_IDS || tag === LOCATION_ID) pos = this.#readStack(pos, stop);
      else if (tag === VALUES || tag === VALUE) pos = this.#readValues(pos, stop);
      else if (tag === LABEL_MESSAGE) pos = this.#readLabel(pos, stop);
      else return false;
      if (pos < 0 || (stop >= 0 && pos !== stop)) return false;
    }
    return pos === end && this.#valueCount === this.columns;
  }

  /** Reads ids up to `stop`, or one if that is -1. Where they end, or -1 to give up. */
  #readStack(start: number, stop: number): number {
    const bytes = this.#index.bytes;
    const stack = this.stack;
    const count = this.#sequentialIds;
    let depth = this.depth;
    let pos = start;
    if (depth + (stop - start) >= stack.length) return -1;
    if (pos === stop) return pos;
    do {
      let id = bytes[pos++]!;
      if (id >= 0x80) {
        id = (id & 0x7f) | (bytes[pos++]! << 7);
        if (id >= 0x4000) {
          id = (id & 0x3fff) | (bytes[pos++]! << 14);
          if (id >= 0x20_0000) return -1;
        }
      }
      if (id > count || id === 0) {
        if (count > 0) return -1;
        id = this.#index.symbols.locationIds.find(id, 0);
        if (id === 0) return -1;
      }
      stack[depth++] = id;
    } while (pos < stop);
    this.depth = depth;
    return pos;
  }

  #readValues(start: number, stop: number): number {
    const bytes = this.#index.bytes;
    const values = this.values;
    const columns = this.columns;
    let count = this.#valueCount;
    let pos = start;
    if (pos === stop) return pos;
    do {
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
      values[count * 2] = lo;
      values[count * 2 + 1] = hi;
      count++;
    } while (pos < stop);
    this.#valueCount = count;
    return pos;
  }

  #readLabel(start: number, stop: number): number {
    const bytes = this.#index.bytes;
    const strings = this.#index.strings.length;
    let pos = start;
    let key = 0;
    let str = 0;
    let numLo = 0;
    let numHi = 0;
    let unit = 0;
    while (pos < stop) {
      const tag = bytes[pos++]!;
      pos = this.#readLong(pos);
      if (pos < 0) return -1;
      if (tag === LABEL_NUM) {
        numLo = this.#lo;
        numHi = this.#hi;
        continue;
      }
      if (this.#hi !== 0 || this.#lo < 0 || this.#lo >= strings) return -1;
      if (tag === LABEL_KEY) key = this.#lo;
      else if (tag === LABEL_STR) str = this.#lo;
      else if (tag === LABEL_NUM_UNIT) unit = this.#lo;
      else return -1;
    }
    if (key === 0 || (str !== 0 && (numLo | numHi) !== 0)) return -1;
    const at = this.labelCount * LABEL_FIELDS;
    const labels = this.labels;
    if (at === labels.length) return -1;
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
    const bytes = this.#index.bytes;
    let pos = start;
    let byte = bytes[pos++]!;
    let lo = byte & 0x7f;
    let hi = 0;
    if (byte >= 0x80) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << 7;
      if (byte >= 0x80) {
        byte = bytes[pos++]!;
        lo |= (byte & 0x7f) << 14;
        if (byte >= 0x80) {
          byte = bytes[pos++]!;
          lo |= (byte & 0x7f) << 21;
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
        }
      }
    }
    this.#lo = lo;
    this.#hi = hi;
    return pos;
  }

  #readCarefully(sample: number): void {
    const reader = this.#reader;
    const ranges = this.#index.samples.data;
    this.depth = 0;
    this.labelCount = 0;
    this.#valueCount = 0;
    reader.enter(SAMPLE, sample, ranges[sample * 2]!, ranges[sample * 2 + 1]!);
    while (reader.next()) {
      if (reader.field === 3) {
        this.#takeLabel();
        continue;
      }
      if (!reader.isPacked) {
        this.#takeNumber();
        continue;
      }
      const { stop } = reader;
      reader.pos = reader.start;
      while (reader.pos < stop) {
        reader.readVarint(stop);
        this.#takeNumber();
      }
    }
    if (this.#valueCount !== this.columns) {
      reader.field = 2;
      throw reader.fault(
        `has ${this.#valueCount} numbers, the profile has ${this.columns} sample types`,
        ranges[sample * 2]!,
      );
    }
  }

  /** Takes one location_id or value. */
  #takeNumber(): void {
    const reader = this.#reader;
    const { lo, hi } = reader;
    if (reader.field === 1) {
      const slot = this.#index.symbols.locationIds.find(lo, hi);
      if (slot === 0) throw reader.fault(`is ${uint64Text(lo, hi)}, but there is no such location`);
      const { maxStackDepth } = this.#index.limits;
      if (this.depth === maxStackDepth) throw overLimit(`${reader.path()} has more than ${maxStackDepth} locations`);
      if (this.depth === this.stack.length) this.stack = grown(this.stack);
      this.stack[this.depth++] = slot;
      return;
    }
    if (hi < 0 && !this.#allowNegative) throw reader.fault(`is negative: ${int64(lo, hi)}`);
    if (this.#valueCount < this.columns) {
      this.values[this.#valueCount * 2] = lo;
      this.values[this.#valueCount * 2 + 1] = hi;
    }
    this.#valueCount++;
  }

  #takeLabel(): void {
    const reader = this.#labelReader;
    const strings = this.#index.strings.length;
    const { maxLabelsPerSample } = this.#index.limits;
    if (this.labelCount === maxLabelsPerSample) {
      throw overLimit(`${this.#reader.path()} occurs more than ${maxLabelsPerSample} times`);
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
    reader.field = 0;
    if (labels[at] === 0) throw reader.fault('has no key', this.#reader.tagAt);
    if (labels[at + 1] !== 0 && (labels[at + 2]! | labels[at + 3]!) !== 0) {
      throw reader.fault('has both str and num', this.#reader.tagAt);
    }
    this.labelCount++;
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
