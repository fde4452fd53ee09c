import { withoutRoom, withRoom } from '../profile/with-room.ts';

/**
 * From keys to numbers, for keys that are good hashes already. Open addressing in one Int32Array that is reused; the keys
 * themselves stay in the arrays of the caller.
 */
export class KeyTable {
  /** Number + 1 at each place in use. */
  #places: Int32Array = new Int32Array(1024);
  #capacity = 1024;
  /** Times a key's half, as a number without sign: its place. */
  #scale = 0;

  /** What the table takes for so many keys: at most three quarters are in use. */
  static bytesFor(keys: number): number {
    return Math.max(64, Math.ceil((keys * 4) / 3)) * 4;
  }

  /** Empties the table and makes room for so many keys. */
  reset(keys: number): void {
    const capacity = KeyTable.bytesFor(keys) / 4;
    this.#places = withRoom(this.#places, capacity);
    this.#places.fill(0, 0, capacity);
    this.#capacity = capacity;
    this.#scale = capacity / 2 ** 32;
  }

  /** Lets go of its memory if that is much; `reset` comes next. */
  shrink(): void {
    this.#places = withoutRoom(this.#places);
  }

  /** Where to start looking for a key, by one of its halves. */
  first(half: number): number {
    return ((half >>> 0) * this.#scale) | 0;
  }

  next(place: number): number {
    return place + 1 === this.#capacity ? 0 : place + 1;
  }

  /** The number at a place, or -1 if it is free. */
  at(place: number): number {
    return this.#places[place]! - 1;
  }

  put(place: number, number: number): void {
    this.#places[place] = number + 1;
  }
}
