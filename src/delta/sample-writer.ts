import { endOfMessage, type ProfileIndex } from '../profile/profile-index.ts';
import { CarefulSampleCopier } from './careful-sample-copier.ts';
import type { UsedEntries } from './used-entries.ts';
import { int64Size, varintSize, type WireWriter } from './wire-writer.ts';

const TAG_SAMPLE = 0x12;
const TAG_VALUES = 0x12;

/** A field with more numbers, of ten bytes each, may have a length of two bytes. */
const MAX_SHORT_VALUES = 12;
/** What a sample may have beside its values and what is copied: tags and lengths. */
const FRAME_BYTES = 16;

/**
 * Writes samples: stack and labels as they stand in the message that each comes from, values anew behind them. Notes what
 * they refer to.
 *
 * The messages have been read and checked before, so that lengths and ids can be trusted. As in SampleReader, ordinary
 * messages take a short way: one walk that copies and notes at once. What it gives up on is written by the book.
 */
export class SampleWriter {
  readonly #writer: WireWriter;
  readonly #used: UsedEntries;
  readonly #careful: CarefulSampleCopier;
  /** Where each sample message starts. */
  #starts: Int32Array = new Int32Array(0);
  /** The columns to write. */
  #kept: readonly number[] = [];
  #isOrdinary = false;
  // What the short way reads from, writes to and marks.
  #source: Uint8Array = NOTHING;
  #sourceView: DataView = NO_VIEW;
  #target: Uint8Array = NOTHING;
  #usedLocations: Uint8Array = NOTHING;
  #usedStrings: Uint8Array = NOTHING;

  constructor(writer: WireWriter, used: UsedEntries) {
    this.#writer = writer;
    this.#used = used;
    this.#careful = new CarefulSampleCopier(used);
  }

  start(index: ProfileIndex, kept: readonly number[]): void {
    this.#starts = index.samples.data;
    this.#kept = kept;
    this.#isOrdinary = index.locations.ids.isSequential && kept.length <= MAX_SHORT_VALUES;
    this.#source = index.bytes;
    this.#sourceView = index.view;
    this.#usedLocations = this.#used.locations;
    this.#usedStrings = this.#used.strings;
    this.#careful.start(index);
  }

  /** Lets go of the profile. */
  release(): void {
    this.#starts = new Int32Array(0);
    this.#source = NOTHING;
    this.#sourceView = NO_VIEW;
    this.#target = NOTHING;
    this.#careful.release();
  }

  /** Writes a sample by the number of its message; `values` has its values, all columns of them, from `at` on. */
  write(message: number, values: Int32Array, at: number): void {
    const start = this.#starts[message]!;
    const end = endOfMessage(this.#source, start);
    this.#writer.reserve(end - start + this.#kept.length * 10 + FRAME_BYTES);
    if (!this.#isOrdinary || !this.#writeFast(start, end, values, at)) this.#writeCarefully(message, values, at);
  }

  #writeFast(start: number, end: number, values: Int32Array, at: number): boolean {
    const writer = this.#writer;
    const source = this.#source;
    const target = writer.bytes;
    this.#target = target;
    // Room for the length, which is known when the rest is there: as many bytes as that of the message mostly takes.
    const content = writer.pos + (end - start < 0x80 ? 2 : 3);
    let to = content;
    let pos = start;
    while (pos < end) {
      const tag = source[pos]!;
      let from = pos + 1;
      let stop = from;
      if ((tag & 7) === 2) {
        let length = source[from++]!;
        if (length >= 0x80) {
          length = (length & 0x7f) | (source[from++]! << 7);
          if (length >= 0x4000) return false;
        }
        stop = from + length;
      } else {
        while (source[stop++]! >= 0x80);
      }
      if (tag !== 0x12 && tag !== 0x10) {
        for (; pos < from; pos++) target[to++] = source[pos]!;
        if (tag === 0x0a || tag === 0x08) to = this.#copyStack(from, stop, to);
        else if (tag === 0x1a) to = this.#copyLabel(from, stop, to);
        else return false;
        if (to < 0) return false;
      }
      pos = stop;
    }
    target[to] = TAG_VALUES;
    const valuesEnd = this.#writeValues(values, at, to + 2);
    target[to + 1] = valuesEnd - to - 2;
    this.#close(content, valuesEnd);
    return true;
  }

  /** Copies location_ids, noting each; gives where they end, or -1 where one has more bytes than ordinary ones. */
  #copyStack(start: number, stop: number, target: number): number {
    const source = this.#source;
    const bytes = this.#target;
    const used = this.#usedLocations;
    const from = this.#sourceView;
    const view = this.#writer.view;
    let to = target;
    let pos = start;
    while (pos < stop) {
      if (pos + 4 <= stop) {
        const word = from.getInt32(pos, true);
        if ((word & 0x8080_8080) === 0x0080_0080) {
          // Two ids of two bytes each: most of what large profiles hold.
          view.setInt32(to, word, true);
          used[(word & 0x7f) | ((word >>> 1) & 0x3f80)] = 1;
          used[((word >>> 16) & 0x7f) | ((word >>> 17) & 0x3f80)] = 1;
          pos += 4;
          to += 4;
          continue;
        }
      }
      let id = source[pos]!;
      bytes[to] = id;
      pos += 1;
      to += 1;
      if (id >= 0x80) {
        const second = source[pos]!;
        bytes[to] = second;
        pos += 1;
        to += 1;
        id = (id & 0x7f) | (second << 7);
        if (second >= 0x80) {
          const third = source[pos]!;
          if (third >= 0x80) return -1;
          bytes[to] = third;
          pos += 1;
          to += 1;
          id = (id & 0x3fff) | (third << 14);
        }
      }
      used[id] = 1;
    }
    return to;
  }

  /** Copies a label, noting its strings; gives where it ends, or -1 where a field isn't an ordinary one. */
  #copyLabel(start: number, stop: number, target: number): number {
    const source = this.#source;
    const bytes = this.#target;
    let to = target;
    let pos = start;
    while (pos < stop) {
      const tag = source[pos++]!;
      bytes[to++] = tag;
      let value = 0;
      let shift = 0;
      let byte = 0x80;
      while (byte >= 0x80) {
        byte = source[pos++]!;
        bytes[to++] = byte;
        value |= (byte & 0x7f) << shift;
        shift += 7;
      }
      if (tag === 0x18) continue;
      if (tag !== 0x08 && tag !== 0x10 && tag !== 0x20) return -1;
      this.#usedStrings[value] = 1;
    }
    return to;
  }

  #writeValues(values: Int32Array, at: number, target: number): number {
    const kept = this.#kept;
    const bytes = this.#target;
    let to = target;
    for (let column = 0; column < kept.length; column++) {
      const value = at + kept[column]! * 2;
      let lo = values[value]!;
      let hi = values[value + 1]!;
      while (hi !== 0 || lo >>> 0 >= 0x80) {
        bytes[to++] = (lo & 0x7f) | 0x80;
        lo = (lo >>> 7) | (hi << 25);
        hi >>>= 7;
      }
      bytes[to++] = lo;
    }
    return to;
  }

  /** Puts tag and length before the content, having moved that if its length takes other room than was left for it. */
  #close(content: number, end: number): void {
    const writer = this.#writer;
    const length = end - content;
    const place = writer.pos + 1 + varintSize(length);
    if (place !== content) writer.bytes.copyWithin(place, content, end);
    writer.byte(TAG_SAMPLE);
    writer.varint(length);
    writer.pos = place + length;
  }

  #writeCarefully(message: number, values: Int32Array, at: number): void {
    const writer = this.#writer;
    const copier = this.#careful;
    copier.find(message);
    let size = 0;
    for (const column of this.#kept) size += int64Size(values[at + column * 2]!, values[at + column * 2 + 1]!);
    writer.byte(TAG_SAMPLE);
    writer.varint(copier.size + 1 + varintSize(size) + size);
    copier.copy(writer);
    writer.byte(TAG_VALUES);
    writer.varint(size);
    for (const column of this.#kept) writer.int64(values[at + column * 2]!, values[at + column * 2 + 1]!);
  }
}

const NOTHING = new Uint8Array(0);
const NO_VIEW = new DataView(NOTHING.buffer);
