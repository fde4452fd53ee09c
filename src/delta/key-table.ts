import { withRoom } from '../profile/with-room.ts';

/**
 * From keys to numbers, for keys that are good hashes already. Open addressing in one Int32Array that is reused; the keys
 * themselves stay in the arrays of the caller.
 */
export class KeyTable {
  /** Number + 1 at each place in use. */
  #places: Int32Array = new Int32Array(1024);
  #mask = 0;

  /** Empties the table and makes room for so many keys, at most two thirds full. */
  reset(keys: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(64, keys * 1.5)));
    this.#places = withRoom(this.#places, capacity);
    this.#places.fill(0, 0, capacity);
    this.#mask = capacity - 1;
  }

  /** Where to start looking for a key, by one of its halves. */
  first(half: number): number {
    return half & this.#mask;
  }

  next(place: number): number {
    return (place + 1) & this.#mask;
  }

  /** The number at a place, or -1 if it is free. */
  at(place: number): number {
    return this.#places[place]! - 1;
  }

  put(place: number, number: number): void {
    this.#places[place] = number + 1;
  }
}
