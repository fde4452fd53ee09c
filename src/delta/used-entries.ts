import type { ProfileIndex } from '../profile/profile-index.ts';

/** What the output refers to: locations and functions by slot, strings by index. */
export class UsedEntries {
  /** 1 at the slot of each location in use. */
  locations: Uint8Array = new Uint8Array(256);
  /** 1 at the index of each string in use. */
  strings: Uint8Array = new Uint8Array(256);
  #functions: Uint8Array = new Uint8Array(256);

  clear({ functions, locations, strings }: ProfileIndex): void {
    this.locations = cleared(this.locations, locations.length + 1);
    this.#functions = cleared(this.#functions, functions.length + 1);
    this.strings = cleared(this.strings, strings.length);
    this.strings[0] = 1;
  }

  addFunction(slot: number): void {
    this.#functions[slot] = 1;
  }

  addString(index: number): void {
    this.strings[index] = 1;
  }

  hasFunction(slot: number): boolean {
    return this.#functions[slot] === 1;
  }
}

function cleared(marks: Uint8Array, length: number): Uint8Array {
  if (marks.length < length) return new Uint8Array(Math.max(length, marks.length * 2));
  marks.fill(0, 0, length);
  return marks;
}
