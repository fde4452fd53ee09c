/** The first block is not smaller, or many small pieces would need many blocks. */
const MIN_BLOCK_BYTES = 4096;
const MAX_BLOCK_BYTES = 1024 * 1024;

/**
 * Collects a body from the pieces that it comes in. Pieces of any size take about as much memory as the body: a view of one
 * byte would take a hundred, and would keep all that was received with it. A piece that is most of what was received is kept
 * as it is; smaller ones are copied into blocks.
 */
export class BodyBuffer {
  #parts: Uint8Array[] = [];
  /** The part that is being filled. */
  #block: Uint8Array | undefined;
  #used = 0;
  #length = 0;

  /** Of all that was appended since the last `take`. */
  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    this.#length += piece.length;
    const block = this.#block;
    if (block && this.#used + piece.length <= block.length) {
      block.set(piece, this.#used);
      this.#used += piece.length;
    } else if ((this.#length === piece.length || piece.length >= MIN_BLOCK_BYTES) && isMostOfItsBuffer(piece)) {
      this.#closeBlock();
      this.#parts.push(piece);
    } else {
      this.#closeBlock();
      // What was received at once often is all of the body, in chunks: then one block is enough.
      const doubled = Math.min(this.#length, MAX_BLOCK_BYTES);
      const size = Math.max(MIN_BLOCK_BYTES, doubled, Math.min(piece.buffer.byteLength, MAX_BLOCK_BYTES));
      this.#block = Buffer.allocUnsafeSlow(Math.max(size, piece.length));
      this.#block.set(piece);
      this.#used = piece.length;
    }
  }

  /** All of it in one piece, which nothing else uses. The buffer is empty afterwards. */
  take(): Uint8Array {
    this.#closeBlock();
    const [first] = this.#parts;
    const isWhole = first !== undefined && this.#parts.length === 1 && isMostOfItsBuffer(first);
    const body = isWhole ? first : joined(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return body;
  }

  #closeBlock(): void {
    if (this.#block) this.#parts.push(this.#block.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }
}

function isMostOfItsBuffer(bytes: Uint8Array): boolean {
  return bytes.length * 2 > bytes.buffer.byteLength;
}

/** In memory of its own: `Buffer.concat` puts small ones into Node's pool. */
function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = Buffer.allocUnsafeSlow(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
