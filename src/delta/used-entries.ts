import type { ProfileIndex } from '../profile/profile-index.ts';
import { LABEL_FIELDS, type SampleReader } from '../profile/sample-reader.ts';

/** What the output refers to: locations and functions by slot, strings by index. */
export class UsedEntries {
  /** The highest string in use; string 0 always is. */
  lastString = 0;
  #locations: Uint8Array = new Uint8Array(256);
  #functions: Uint8Array = new Uint8Array(256);
  #strings: Uint8Array = new Uint8Array(256);

  clear({ symbols, strings }: ProfileIndex): void {
    this.#locations = cleared(this.#locations, symbols.locationCount + 1);
    this.#functions = cleared(this.#functions, symbols.functionCount + 1);
    this.#strings = cleared(this.#strings, strings.length);
    this.#strings[0] = 1;
    this.lastString = 0;
  }

  /** Locations and strings of one sample. */
  addSample({ stack, depth, labels, labelCount }: SampleReader): void {
    const locations = this.#locations;
    for (let frame = 0; frame < depth; frame++) locations[stack[frame]!] = 1;
    for (let at = 0; at < labelCount * LABEL_FIELDS; at += LABEL_FIELDS) {
      this.addString(labels[at]!);
      this.addString(labels[at + 1]!);
      this.addString(labels[at + 4]!);
    }
  }

  addFunction(slot: number): void {
    this.#functions[slot] = 1;
  }

  addString(index: number): void {
    this.#strings[index] = 1;
    if (index > this.lastString) this.lastString = index;
  }

  hasLocation(slot: number): boolean {
    return this.#locations[slot] === 1;
  }

  hasFunction(slot: number): boolean {
    return this.#functions[slot] === 1;
  }

  hasString(index: number): boolean {
    return this.#strings[index] === 1;
  }
}

function cleared(marks: Uint8Array, length: number): Uint8Array {
  if (marks.length < length) return new Uint8Array(Math.max(length, marks.length * 2));
  marks.fill(0, 0, length);
  return marks;
}
