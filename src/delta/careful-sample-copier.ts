import { LABEL, SAMPLE } from '../profile/message-types.ts';
import { endOfMessage, type ProfileIndex } from '../profile/profile-index.ts';
import { WireReader } from '../profile/wire-reader.ts';
import type { UsedEntries } from './used-entries.ts';
import type { WireWriter } from './wire-writer.ts';

/**
 * Copies what isn't values from any sample message that the format allows: stacks and labels. The slow half of
 * SampleWriter.
 */
export class CarefulSampleCopier {
  /** Bytes that `copy` will write. */
  size = 0;
  #index: ProfileIndex | undefined;
  readonly #used: UsedEntries;
  /** Start and end of the parts to copy. */
  #parts = new Int32Array(8);
  #partCount = 0;
  readonly #sample = new WireReader();
  readonly #label = new WireReader(this.#sample);

  constructor(used: UsedEntries) {
    this.#used = used;
  }

  start(index: ProfileIndex): void {
    this.#index = index;
    this.#sample.bytes = index.bytes;
    this.#label.bytes = index.bytes;
  }

  release(): void {
    this.#index = undefined;
    this.#sample.bytes = NOTHING;
    this.#label.bytes = NOTHING;
  }

  /** Finds stack and labels of one message and notes the locations and strings that they refer to. */
  find(message: number): void {
    const sample = this.#sample;
    const start = this.#index!.samples.data[message]!;
    this.size = 0;
    this.#partCount = 0;
    sample.enter(SAMPLE, message, start, endOfMessage(sample.bytes, start));
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

  copy(writer: WireWriter): void {
    for (let part = 0; part < this.#partCount; part++) {
      writer.copy(this.#parts[part * 2]!, this.#parts[part * 2 + 1]!);
    }
  }

  #noteLabel(start: number, stop: number): void {
    const label = this.#label;
    const used = this.#used;
    label.enter(LABEL, -1, start, stop);
    while (label.next()) if (label.field !== 3) used.addString(label.lo);
  }

  #noteLocation(): void {
    this.#used.locations[this.#index!.locations.ids.find(this.#sample.lo, this.#sample.hi)] = 1;
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

const NOTHING = new Uint8Array(0);
