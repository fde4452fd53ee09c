import { randomBytes } from 'node:crypto';
import { Int32List } from './int32-list.ts';
import { withoutRoom } from './with-room.ts';

/** Secret, so that no profile can be made whose ids all fall into one place of the table. */
const SEED = randomBytes(4).readInt32LE(0);

/**
 * From the 64-bit ids of a table (mappings, locations, functions) to their slots: 1 for the first entry of the table, 2 for
 * the next. Go and most writers number their tables 1, 2, 3 …, so that id and slot are the same; then nothing is built.
 */
export class IdTable {
  /** True if every id is its own slot. */
  isSequential = true;
  readonly #ids = new Int32List();
  #slots: Int32Array = new Int32Array(0);
  #mask = 0;

  get length(): number {
    return this.#ids.length >>> 1;
  }

  clear(): void {
    this.#ids.clear();
    this.#slots = withoutRoom(this.#slots);
    this.isSequential = true;
  }

  /** Makes room for so many ids. */
  reserve(count: number): void {
    this.#ids.reserve(count * 2);
  }

  /** Takes the id of the next entry. */
  push(lo: number, hi: number): void {
    this.#ids.push2(lo, hi);
    if (hi !== 0 || lo !== this.length) this.isSequential = false;
  }

  /** Makes the table ready for `find`. Returns the first entry (from 0) whose id was there before, or -1. */
  seal(): number {
    if (this.isSequential) return -1;
    const count = this.length;
    const capacity = 2 ** Math.ceil(Math.log2(count * 1.5 + 1));
    if (this.#slots.length < capacity) this.#slots = new Int32Array(capacity);
    else this.#slots.fill(0, 0, capacity);
    this.#mask = capacity - 1;
    for (let entry = 0; entry < count; entry++) {
      const place = this.#place(this.#ids.data[entry * 2]!, this.#ids.data[entry * 2 + 1]!);
      if (this.#slots[place] !== 0) return entry;
      this.#slots[place] = entry + 1;
    }
    return -1;
  }

  /** The slot of an id; 0 if it isn't in the table. */
  find(lo: number, hi: number): number {
    if (this.isSequential) return hi === 0 && lo > 0 && lo <= this.length ? lo : 0;
    return this.#slots[this.#place(lo, hi)]!;
  }

  /** Where the id is in the table, or the free place where it would be. */
  #place(lo: number, hi: number): number {
    const slots = this.#slots;
    const ids = this.#ids.data;
    const mask = this.#mask;
    let hash = Math.imul(lo ^ SEED, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ hi, 0x85ebca6b);
    let place = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const slot = slots[place]!;
      if (slot === 0 || (ids[slot * 2 - 2] === lo && ids[slot * 2 - 1] === hi)) return place;
      place = (place + 1) & mask;
    }
  }
}
