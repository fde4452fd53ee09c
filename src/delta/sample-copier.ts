import { LABEL, SAMPLE } from '../profile/message-types.ts';
import type { ProfileIndex } from '../profile/profile-index.ts';
import { WireReader } from '../profile/wire-reader.ts';
import type { UsedEntries } from './used-entries.ts';
import type { WireWriter } from './wire-writer.ts';

/**
 * Copies what isn't values from sample messages: stacks and labels. The messages have been read and checked before, so
 * that lengths and ids can be trusted. As in SampleReader, ordinary messages take a short way.
 */
export class SampleCopier {
  /** Bytes that `copy` will write. */
  size = 0;
  #index: ProfileIndex | undefined;
  #used: UsedEntries | undefined;
  /** Start and end of the parts to copy. */
  #parts = new Int32Array(8);
  #partCount = 0;
  readonly #sample = new WireReader();
  readonly #label = new WireReader(this.#sample);

  start(index: ProfileIndex, used: UsedEntries): void {
    this.#index = index;
    this.#used = used;
    this.#sample.bytes = index.bytes;
    this.#label.bytes = index.bytes;
  }

  release(): void {
    this.#index = undefined;
    this.#used = undefined;
  }

  /** Finds stack and labels of one message and notes the locations and strings that they refer to. */
  find(message: number): void {
    const index = this.#index!;
    const ranges = index.samples.data;
    const start = ranges[message * 2]!;
    const end = ranges[message * 2 + 1]!;
    this.size = 0;
    this.#partCount = 0;
    if (!index.locations.ids.isSequential || !this.#findFast(start, end)) this.#findCarefully(message, start, end);
  }

  copy(writer: WireWriter): void {
    for (let part = 0; part < this.#partCount; part++) {
      writer.copy(this.#parts[part * 2]!, this.#parts[part * 2 + 1]!);
    }
  }

  #findFast(start: number, end: number): boolean {
    const { bytes } = this.#index!;
    let pos = start;
    while (pos < end) {
      const tagAt = pos;
      const tag = bytes[pos++]!;
      if (tag === 0x10) {
        // One value, not packed.
        while (bytes[pos++]! >= 0x80);
        continue;
      }
      let stop = pos + 1;
      if ((tag & 7) === 2) {
        let length = bytes[pos++]!;
        if (length >= 0x80) length = (length & 0x7f) | (bytes[pos++]! << 7);
        if (length >= 0x4000) return false;
        stop = pos + length;
      }
      if (tag === 0x0a || tag === 0x08) pos = this.#noteLocations(bytes, pos, stop);
      else if (tag === 0x1a) pos = this.#noteStrings(bytes, pos, stop);
      else if (tag !== 0x12) return false;
      if (pos < 0) return false;
      if (tag === 0x12) pos = stop;
      else this.#addPart(tagAt, pos);
    }
    return true;
  }

  /** Where the ids end, or -1 where one has more bytes than ordinary ones. */
  #noteLocations(bytes: Uint8Array, start: number, stop: number): number {
    const { locations } = this.#used!;
    let pos = start;
    while (pos < stop) {
      let id = bytes[pos++]!;
      if (id >= 0x80) {
        id = (id & 0x7f) | (bytes[pos++]! << 7);
        if (id >= 0x4000) {
          id = (id & 0x3fff) | (bytes[pos++]! << 14);
          if (id >= 0x20_0000) return -1;
        }
      }
      locations[id] = 1;
    }
    return pos;
  }

  /** Where the label ends, or -1 where a field isn't an ordinary one. */
  #noteStrings(bytes: Uint8Array, start: number, stop: number): number {
    const used = this.#used!;
    let pos = start;
    while (pos < stop) {
      const tag = bytes[pos++]!;
      let value = 0;
      for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = bytes[pos++]!;
        value |= (byte & 0x7f) << shift;
      }
      if (tag === 0x18) continue;
      if (tag !== 0x08 && tag !== 0x10 && tag !== 0x20) return -1;
      used.addString(value);
    }
    return pos;
  }

  #noteLabel(start: number, stop: number): void {
    const label = this.#label;
    const used = this.#used!;
    label.enter(LABEL, -1, start, stop);
    while (label.next()) if (label.field !== 3) used.addString(label.lo);
  }

  #findCarefully(message: number, start: number, end: number): void {
    const sample = this.#sample;
    this.size = 0;
    this.#partCount = 0;
    sample.enter(SAMPLE, message, start, end);
    while (sample.next()) {
      if (sample.field === 2) continue;
      if (sample.field === 3) this.#noteLabel(sample.start, sample.stop);
      else if (!sample.isPacked) this.#noteLocation();
      else {
        const { stop } = sample;
        sample.pos = sample.start;
        while (sample.pos < stop) {
          sample.readVarint(stop);
          this.#noteLocation();
        }
      }
      this.#addPart(sample.tagAt, sample.pos);
    }
  }

  #noteLocation(): void {
    this.#used!.locations[this.#index!.locations.ids.find(this.#sample.lo, this.#sample.hi)] = 1;
  }

  #addPart(start: number, end: number): void {
    this.size += end - start;
    const last = this.#partCount * 2 - 1;
    if (last > 0 && this.#parts[last] === start) {
      this.#parts[last] = end;
      return;
    }
    if (last + 2 >= this.#parts.length) {
      const grown = new Int32Array(this.#parts.length * 2);
      grown.set(this.#parts);
      this.#parts = grown;
    }
    this.#parts[last + 1] = start;
    this.#parts[last + 2] = end;
    this.#partCount++;
  }
}
