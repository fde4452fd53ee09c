import { LABEL, SAMPLE } from './message-types.ts';
import { overLimit, uint64Text } from './profile-fault.ts';
import { endOfMessage, type ProfileIndex } from './profile-index.ts';
import type { Sample } from './sample.ts';
import type { SampleReading } from './sample-reader.ts';
import { WireReader } from './wire-reader.ts';

/** Reads any sample that the format allows, and names the fault of one that it doesn't. The slow half of SampleReader. */
export class CarefulSampleReader {
  readonly #index: ProfileIndex;
  readonly #sample: Sample;
  readonly #reader = new WireReader();
  readonly #labelReader = new WireReader(this.#reader);
  #reading: SampleReading | undefined;
  #valueCount = 0;

  constructor(index: ProfileIndex, sample: Sample) {
    this.#index = index;
    this.#sample = sample;
  }

  start(reading: SampleReading): void {
    this.#reading = reading;
    this.#reader.bytes = this.#index.bytes;
    this.#labelReader.bytes = this.#index.bytes;
  }

  read(number: number, values: Int32Array, at: number): void {
    const reader = this.#reader;
    const sample = this.#sample;
    const start = this.#index.samples.data[number]!;
    sample.clear(this.#reading!.seedA, this.#reading!.seedB);
    this.#valueCount = 0;
    reader.enter(SAMPLE, number, start, endOfMessage(reader.bytes, start));
    while (reader.next()) {
      if (reader.field === 3) {
        this.#readLabel();
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
    const columns = this.#index.sampleTypes.length;
    if (this.#valueCount !== columns) {
      reader.field = 2;
      throw reader.fault(`has ${this.#valueCount} numbers, the profile has ${columns} sample types`, start);
    }
  }

  /** Takes one location_id or value. */
  #takeNumber(values: Int32Array, at: number): void {
    const reader = this.#reader;
    const { lo, hi } = reader;
    if (reader.field === 1) {
      const slot = this.#index.locations.ids.find(lo, hi);
      if (slot === 0) throw reader.fault(`is ${uint64Text(lo, hi)}, but there is no such location`);
      this.#takeLocation(slot);
      return;
    }
    if (this.#valueCount < this.#index.sampleTypes.length) {
      values[at + this.#valueCount * 2] = lo;
      values[at + this.#valueCount * 2 + 1] = hi;
    }
    this.#valueCount++;
  }

  #takeLocation(slot: number): void {
    const sample = this.#sample;
    const { locations } = this.#reading!;
    const { maxStackDepth } = this.#index.limits;
    if (sample.depth === maxStackDepth) {
      this.#reader.field = 0;
      throw overLimit(`${this.#reader.path()} has more than ${maxStackDepth} locations`);
    }
    sample.addLocation(locations[slot * 2]!, locations[slot * 2 + 1]!);
  }

  #readLabel(): void {
    const reader = this.#labelReader;
    const strings = this.#index.strings.length;
    const { maxLabelsPerSample } = this.#index.limits;
    if (this.#sample.labelCount === maxLabelsPerSample) {
      this.#reader.field = 0;
      throw overLimit(`${this.#reader.path()} has more than ${maxLabelsPerSample} labels`);
    }
    let key = 0;
    let str = 0;
    let numLo = 0;
    let numHi = 0;
    let unit = 0;
    reader.enter(LABEL, this.#sample.labelCount, this.#reader.start, this.#reader.stop);
    while (reader.next()) {
      if (reader.field === 1) key = reader.index(strings);
      else if (reader.field === 2) str = reader.index(strings);
      else if (reader.field === 4) unit = reader.index(strings);
      else {
        numLo = reader.lo;
        numHi = reader.hi;
      }
    }
    // With both a text and a number Google's reader takes the text.
    this.#sample.addLabel(key, str, numLo, numHi, unit);
  }
}
