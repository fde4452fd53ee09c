import { BodyBuffer } from '../../http/body-buffer.ts';

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. They are decoded whole, so a chunk may end inside a character. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #kept = new BodyBuffer();

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  /** Throws a RangeError where a line is longer than it may be. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = Buffer.from(this.#kept.take()).toString();
      if (line.trim() !== '') this.#onLine(line);
      start = end + 1;
    }
    // A copy: the chunk may be a view of a buffer that is used again.
    if (start < chunk.length) this.#keep(chunk.slice(start));
  }

  #keep(part: Uint8Array): void {
    if (this.#kept.length + part.length > this.#maxBytes) {
      throw new RangeError(`a line is longer than ${this.#maxBytes} bytes`);
    }
    this.#kept.append(part);
  }
}
