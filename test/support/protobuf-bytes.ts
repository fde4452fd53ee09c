/**
 * The protobuf wire format by hand, for tests that say each byte. Nothing here checks anything, so that malformed messages
 * can be written as easily as good ones. https://protobuf.dev/programming-guides/encoding/
 */

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

const encoder = new TextEncoder();

/** Two's complement of 64 bits, shortest form; `padding` appends that many superfluous bytes, which is legal up to ten. */
export function varint(value: number | bigint, padding = 0): Uint8Array {
  const bytes: number[] = [];
  pushVarint(bytes, value, padding);
  return new Uint8Array(bytes);
}

function pushVarint(bytes: number[], value: number | bigint, padding: number): void {
  const start = bytes.length;
  if (value >= 0 && value < 2 ** 31) {
    let rest = Number(value);
    while (rest > 127) {
      bytes.push((rest & 127) | 128);
      rest >>>= 7;
    }
    bytes.push(rest);
  } else {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
  }
  for (let added = 0; added < padding && bytes.length - start < 10; added++) {
    bytes.push((bytes.pop() ?? 0) | 128, 0);
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function tag(field: number | bigint, wireType: number): Uint8Array {
  return varint(typeof field === 'number' ? field * 8 + wireType : (field << 3n) | BigInt(wireType));
}

export function varintField(field: number, value: number | bigint, padding = 0): Uint8Array {
  return concat(tag(field, VARINT), varint(value, padding));
}

export function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return concat(tag(field, LENGTH_DELIMITED), varint(bytes.length), bytes);
}

/** A nested message of the given fields. */
export function messageField(field: number, ...fields: readonly Uint8Array[]): Uint8Array {
  return bytesField(field, concatAll(fields));
}

export function stringField(field: number, text: string): Uint8Array {
  return bytesField(field, encoder.encode(text));
}

export function packedField(field: number, values: readonly (number | bigint)[], padding = 0): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) pushVarint(bytes, value, padding);
  return bytesField(field, new Uint8Array(bytes));
}

export function fixed64Field(field: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return concat(tag(field, FIXED64), bytes);
}

export function fixed32Field(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return concat(tag(field, FIXED32), bytes);
}
