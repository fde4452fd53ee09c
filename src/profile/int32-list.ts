import { withoutRoom, withRoom } from './with-room.ts';

/** A growable Int32Array. Cleared and filled again, it stops allocating. */
export class Int32List {
  /** Valid up to `length`; replaced when the list grows, so don't hold it across a `push`. */
  data: Int32Array = new Int32Array(64);
  length = 0;

  /** Empties the list; `expected` is the length that it is going to have, if that is known. */
  clear(expected = 64): void {
    this.data = withRoom(withoutRoom(this.data), expected);
    this.length = 0;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.#grow();
    this.data[this.length++] = value;
  }

  push2(first: number, second: number): void {
    const at = this.length;
    if (at + 2 > this.data.length) this.#grow();
    const { data } = this;
    data[at] = first;
    data[at + 1] = second;
    this.length = at + 2;
  }

  /** Makes room for so many ints in an empty list, so that it need not grow: that takes three times its memory for a moment. */
  reserve(length: number): void {
    if (this.data.length < length) this.data = new Int32Array(length);
  }

  /** Sets the length of an empty list; the ints are to be written into `data`. */
  resize(length: number): void {
    this.data = withRoom(this.data, length);
    this.length = length;
  }

  #grow(): void {
    const grown = new Int32Array(this.data.length * 2);
    grown.set(this.data);
    this.data = grown;
  }
}
