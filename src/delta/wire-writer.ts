/** From this size on a call into the runtime copies faster than a loop. */
const RUNTIME_COPY_BYTES = 160;

const FIRST_BYTES = 16 * 1024;
const LARGE_BYTES = 256 * 1024;
const NOTHING = new Uint8Array(0);
const NO_VIEW = new DataView(NOTHING.buffer);

/** Writes protobuf, in part copied from one source, into one buffer that grows and is used again for the next message. */
export class WireWriter {
  /** Valid up to `pos`. */
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  pos = 0;
  /** The same bytes. */
  view: DataView = new DataView(this.bytes.buffer);
  #source: Uint8Array = NOTHING;
  #sourceView: DataView = NO_VIEW;

  /** Starts on a message; `source` is what `copy` and `field` copy from, `view` the same bytes. */
  start(source: Uint8Array, view: DataView): void {
    this.pos = 0;
    this.#source = source;
    this.#sourceView = view;
    // Most outputs are smaller than their source. Memory that isn't written to costs nothing.
    if (this.bytes.length < source.length) this.#replace(new Uint8Array(source.length));
  }

  /** What was written. A large buffer is given away with it instead of being copied and kept. */
  finish(): Uint8Array {
    const { bytes, pos } = this;
    this.#source = NOTHING;
    this.#sourceView = NO_VIEW;
    if (bytes.length < LARGE_BYTES) return bytes.slice(0, pos);
    this.pos = 0;
    this.#replace(new Uint8Array(FIRST_BYTES));
    return bytes.subarray(0, pos);
  }

  /** Makes room for so many bytes; the methods below don't look. */
  reserve(size: number): void {
    if (this.pos + size > this.bytes.length)
      this.#replace(new Uint8Array(Math.max(this.bytes.length * 2, this.pos + size)));
  }

  #replace(bytes: Uint8Array): void {
    bytes.set(this.bytes.subarray(0, this.pos));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  byte(value: number): void {
    this.bytes[this.pos++] = value;
  }

  /** An unsigned number below 2^31. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.pos++] = rest;
  }

  /** A 64-bit number from its halves; negative ones take ten bytes. */
  int64(low: number, high: number): void {
    let lo = low;
    let hi = high;
    while (hi !== 0 || lo >>> 0 >= 0x80) {
      this.bytes[this.pos++] = (lo & 0x7f) | 0x80;
      lo = (lo >>> 7) | (hi << 25);
      hi >>>= 7;
    }
    this.bytes[this.pos++] = lo;
  }

  bigint(value: bigint): void {
    this.int64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  /** Bytes of the source. */
  copy(start: number, end: number): void {
    const source = this.#source;
    const { bytes } = this;
    let { pos } = this;
    this.pos = pos + end - start;
    if (end - start >= RUNTIME_COPY_BYTES) {
      bytes.set(source.subarray(start, end), pos);
      return;
    }
    const from = this.#sourceView;
    const to = this.view;
    let at = start;
    for (; at + 4 <= end; at += 4, pos += 4) to.setInt32(pos, from.getInt32(at, true), true);
    for (; at < end; at++) bytes[pos++] = source[at]!;
  }

  /** So many length-delimited fields without content, each with a one-byte tag. */
  emptyFields(tag: number, count: number): void {
    this.reserve(count * 2);
    const { bytes } = this;
    let { pos } = this;
    for (let field = 0; field < count; field++) {
      bytes[pos] = tag;
      bytes[pos + 1] = 0;
      pos += 2;
    }
    this.pos = pos;
  }

  /** A length-delimited field with a one-byte tag, its content copied from the source. */
  field(tag: number, start: number, end: number): void {
    this.reserve(end - start + 6);
    this.byte(tag);
    this.varint(end - start);
    this.copy(start, end);
  }

  /** Bytes of the source with whatever is in them. */
  range(start: number, end: number): void {
    this.reserve(end - start);
    this.copy(start, end);
  }
}

/** Bytes that `varint` takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
}

/** Bytes that `int64` takes. */
export function int64Size(lo: number, hi: number): number {
  if (hi === 0) {
    if (lo >>> 0 < 0x80) return 1;
    return Math.ceil((32 - Math.clz32(lo)) / 7);
  }
  return Math.ceil((64 - Math.clz32(hi)) / 7);
}
