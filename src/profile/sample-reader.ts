import { CarefulSampleReader } from './careful-sample-reader.ts';
import { endOfMessage, type ProfileIndex } from './profile-index.ts';
import { Sample } from './sample.ts';
import { ShortVarint } from './short-varint.ts';

/** How to read the samples of one profile. */
export interface SampleReading {
  /** Two hash lanes for each location, at twice its slot. */
  readonly locations: Int32Array;
  /** Where the lanes of a stack start. */
  readonly seedA: number;
  readonly seedB: number;
}

/**
 * Reads the samples of an indexed profile one after the other and checks them: every location exists, there is one value
 * for each sample type, every label has a key and not two values.
 *
 * Most of the time of a delta goes here, so tags and multipliers stand as literals: a constant of the module is a look-up
 * in bundled code. For the same reason this reader knows only what ordinary profiles hold: one-byte tags, short ids,
 * no unknown field. Where it meets anything else it gives up without a verdict, and a careful one reads the same sample by
 * the book. Only that one finds faults, and names them.
 */
export class SampleReader {
  /** The sample that was read last. */
  readonly sample = new Sample();
  readonly #index: ProfileIndex;
  readonly #careful: CarefulSampleReader;
  readonly #varint = new ShortVarint();
  // What belongs to the profile at hand, looked up once and not for each sample.
  #bytes: Uint8Array = new Uint8Array(0);
  /** The same bytes, for several at once. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  #locations: Int32Array = new Int32Array(0);
  #locationCount = 0;
  #areIdsSlots = true;
  #columns = 0;
  #strings = 0;
  #maxDepth = 0;
  #maxLabels = 0;
  #seedA = 0;
  #seedB = 0;

  constructor(index: ProfileIndex) {
    this.#index = index;
    this.#careful = new CarefulSampleReader(index, this.sample);
  }

  /** To be called when the index has been filled. */
  start(reading: SampleReading): void {
    const { bytes, limits, locations, sampleTypes, strings, view } = this.#index;
    this.#bytes = bytes;
    this.#view = view;
    this.#locations = reading.locations;
    this.#locationCount = locations.length;
    this.#areIdsSlots = locations.ids.isSequential;
    this.#columns = sampleTypes.length;
    this.#strings = strings.length;
    this.#maxDepth = limits.maxStackDepth;
    this.#maxLabels = limits.maxLabelsPerSample;
    this.#seedA = reading.seedA;
    this.#seedB = reading.seedB;
    this.#careful.start(reading);
  }

  /** Reads a sample by its number, from 0, its values into `values` from `at` on: low and high half for each column. */
  read(number: number, values: Int32Array, at: number): void {
    const start = this.#index.samples.data[number]!;
    if (!this.#readFast(start, endOfMessage(this.#bytes, start), values, at)) {
      this.#careful.read(number, values, at);
    }
  }

  /** False without a verdict where the message isn't an ordinary one. */
  #readFast(start: number, end: number, values: Int32Array, at: number): boolean {
    const bytes = this.#bytes;
    const { sample } = this;
    const valuesEnd = at + this.#columns * 2;
    let value = at;
    let pos = start;
    sample.clear(this.#seedA, this.#seedB);
    while (pos < end) {
      const tag = bytes[pos++]!;
      let stop = pos;
      if ((tag & 7) === 2) {
        let length = bytes[pos++]!;
        if (length >= 0x80) {
          length = (length & 0x7f) | (bytes[pos++]! << 7);
          if (length >= 0x4000) return false;
        }
        stop = pos + length;
      } else {
        // A number that isn't packed is read like a packed field with one number in it.
        while (bytes[stop++]! >= 0x80);
      }
      if (stop > end) return false;
      if (tag === 0x0a || tag === 0x08) {
        if (!(this.#areIdsSlots ? this.#takeStack(pos, stop) : this.#takeSparseStack(pos, stop))) return false;
      } else if (tag === 0x12 || tag === 0x10) {
        value = this.#takeValues(pos, stop, values, value, valuesEnd);
        if (value < 0) return false;
      } else if (tag !== 0x1a || !this.#takeLabel(pos, stop)) {
        return false;
      }
      pos = stop;
    }
    return value === valuesEnd && sample.depth <= this.#maxDepth;
  }

  /** Takes location_ids that are slots. A third of the time of a delta goes here, so that its state is in locals. */
  #takeStack(start: number, stop: number): boolean {
    const bytes = this.#bytes;
    const locations = this.#locations;
    const locationCount = this.#locationCount;
    const view = this.#view;
    const { sample } = this;
    let a = sample.stackA;
    let b = sample.stackB;
    let { depth } = sample;
    let pos = start;
    while (pos < stop) {
      let slot = bytes[pos]!;
      if (slot < 0x80) {
        pos += 1;
      } else {
        const word = pos + 4 <= stop ? view.getInt32(pos, true) : 0;
        if ((word & 0x8080_8080) === 0x0080_0080) {
          // Two slots of two bytes each: most of what large profiles hold. The first one is taken here.
          const first = (word & 0x7f) | ((word >>> 1) & 0x3f80);
          if ((first - 1) >>> 0 >= locationCount) return false;
          a = Math.imul(a ^ locations[first * 2]!, 0x9e3779b1);
          a = (a << 13) | (a >>> 19);
          b = Math.imul(b ^ locations[first * 2 + 1]!, 0x85ebca6b);
          b = (b << 17) | (b >>> 15);
          depth++;
          slot = ((word >>> 16) & 0x7f) | ((word >>> 17) & 0x3f80);
          pos += 4;
        } else {
          const second = bytes[pos + 1]!;
          slot = (slot & 0x7f) | (second << 7);
          pos += 2;
          if (second >= 0x80) {
            slot = (slot & 0x3fff) | (bytes[pos]! << 14);
            pos += 1;
            if (slot >= 0x20_0000) return false;
          }
        }
      }
      if ((slot - 1) >>> 0 >= locationCount) return false;
      // withLocationA and withLocationB, spelt out.
      a = Math.imul(a ^ locations[slot * 2]!, 0x9e3779b1);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b ^ locations[slot * 2 + 1]!, 0x85ebca6b);
      b = (b << 17) | (b >>> 15);
      depth++;
    }
    sample.stackA = a;
    sample.stackB = b;
    sample.depth = depth;
    return pos === stop;
  }

  /** Takes location_ids that have to be looked up. */
  #takeSparseStack(start: number, stop: number): boolean {
    const varint = this.#varint;
    const { ids } = this.#index.locations;
    let pos = start;
    while (pos < stop) {
      pos = varint.read(this.#bytes, pos);
      const slot = pos < 0 ? 0 : ids.find(varint.lo, varint.hi);
      if (slot === 0) return false;
      this.sample.addLocation(this.#locations[slot * 2]!, this.#locations[slot * 2 + 1]!);
    }
    return pos === stop;
  }

  /** Where in `values` the next value belongs, or -1 to give up. */
  #takeValues(start: number, stop: number, values: Int32Array, at: number, end: number): number {
    const view = this.#view;
    const lastWord = view.byteLength - 4;
    let value = at;
    let pos = start;
    while (pos < stop) {
      if (value === end) return -1;
      const word = pos <= lastWord ? view.getInt32(pos, true) : -1;
      // The highest bit of each byte that ends a number; up to four bytes without a branch that depends on how many.
      const ends = ~word & 0x8080_8080;
      let lo = 0;
      let hi = 0;
      if (ends !== 0) {
        const first = ends & -ends;
        const own = word & ((first << 1) - 1);
        lo = (own & 0x7f) | ((own >>> 1) & 0x3f80) | ((own >>> 2) & 0x1f_c000) | ((own >>> 3) & 0xfe0_0000);
        pos += (39 - Math.clz32(first)) >>> 3;
      } else {
        // Never negative: that takes ten bytes.
        pos = this.#varint.read(this.#bytes, pos);
        if (pos < 0) return -1;
        lo = this.#varint.lo;
        hi = this.#varint.hi;
      }
      values[value] = lo;
      values[value + 1] = hi;
      value += 2;
    }
    return pos === stop ? value : -1;
  }

  #takeLabel(start: number, stop: number): boolean {
    const bytes = this.#bytes;
    const varint = this.#varint;
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
        pos += 1;
      } else if (bytes[pos + 1]! < 0x80) {
        lo = (lo & 0x7f) | (bytes[pos + 1]! << 7);
        pos += 2;
      } else {
        pos = varint.read(bytes, pos);
        if (pos < 0) return false;
        lo = varint.lo;
        hi = varint.hi;
      }
      if (tag === 0x18) {
        numLo = lo;
        numHi = hi;
        continue;
      }
      if (hi !== 0 || lo < 0 || lo >= strings) return false;
      if (tag === 0x08) key = lo;
      else if (tag === 0x10) str = lo;
      else if (tag === 0x20) unit = lo;
      else return false;
    }
    if (pos !== stop || key === 0 || (str !== 0 && (numLo | numHi) !== 0)) return false;
    if (this.sample.labelCount === this.#maxLabels) return false;
    this.sample.addLabel(key, str, numLo, numHi, unit);
    return true;
  }
}
