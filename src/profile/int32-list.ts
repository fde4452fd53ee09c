/** A growable Int32Array. Cleared and filled again, it stops allocating. */
export class Int32List {
  /** Valid up to `length`; replaced when the list grows, so don't hold it across a `push`. */
  data: Int32Array = new Int32Array(64);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.#grow();
    this.data[this.length++] = value;
  }

  #grow(): void {
    const grown = new Int32Array(this.data.length * 2);
    grown.set(this.data);
    this.data = grown;
  }
}
