// Protobuf's numbers, read and written in place.

/** The number that `readVarint` read last. */
export let number: u64 = 0;

/**
 * Reads a varint; gives where it ends, or 0 for one of more than 64 bits. Looks up to ten bytes ahead whatever comes there:
 * the caller compares with the end of its message.
 */
export function readVarint(start: usize): usize {
  let pos = start;
  let byte: u64 = load<u8>(pos++);
  let value = byte & 0x7f;
  let shift: u64 = 7;
  while (byte >= 0x80) {
    byte = load<u8>(pos++);
    if (shift === 63 && byte > 1) return 0;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  }
  number = value;
  return pos;
}

/** Where the varint that starts here ends. Only for one that has been read before. */
export function skipVarint(start: usize): usize {
  let pos = start;
  while (load<u8>(pos++) >= 0x80) {}
  return pos;
}

/** Writes a number as varint; gives where it ends. */
export function writeVarint(start: usize, value: u64): usize {
  let pos = start;
  let rest = value;
  while (rest >= 0x80) {
    store<u8>(pos++, <u8>rest | 0x80);
    rest >>>= 7;
  }
  store<u8>(pos++, <u8>rest);
  return pos;
}

/** Bytes that a number takes as varint. */
export function varintSize(value: u64): u32 {
  // A byte for each seven bits that are not leading zeros, at least one: (bits * 9 + 64) / 64 is that for 1 to 64 bits.
  const bits = 64 - <u32>clz(value | 1);
  return (bits * 9 + 64) >>> 6;
}

/** Copies bytes that lie elsewhere, in steps of eight: up to seven bytes more are read, and written behind the target. */
export function copyBytes(target: usize, source: usize, length: usize): void {
  if (length > 64) {
    memory.copy(target, source, length);
    return;
  }
  for (let at: usize = 0; at < length; at += 8) store<u64>(target + at, load<u64>(source + at));
}
