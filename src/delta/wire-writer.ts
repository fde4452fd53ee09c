/** Below this, a loop copies faster than a call into the runtime. */
const LOOP_COPY_BYTES = 48;

/** Writes protobuf into one buffer that grows and is used again for the next message. */
export class WireWriter {
  /** Valid up to `pos`. */
  bytes: Uint8Array = new Uint8Array(16 * 1024);
  pos = 0;

  clear(): void {
    this.pos = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.pos);
  }

  /** Makes room for so many bytes; the methods below don't look. */
  reserve(size: number): void {
    if (this.pos + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.pos + size));
    grown.set(this.bytes.subarray(0, this.pos));
    this.bytes = grown;
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

  copy(source: Uint8Array, start: number, end: number): void {
    if (end - start > LOOP_COPY_BYTES) {
      this.bytes.set(source.subarray(start, end), this.pos);
      this.pos += end - start;
      return;
    }
    const { bytes } = this;
    let { pos } = this;
    for (let at = start; at < end; at++) bytes[pos++] = source[at]!;
    this.pos = pos;
  }

  /** A length-delimited field with a one-byte tag, copied from elsewhere. */
  field(tag: number, source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start + 6);
    this.byte(tag);
    this.varint(end - start);
    this.copy(source, start, end);
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
