// CRC-32 as gzip has it (RFC 1952, section 8), sixteen bytes a step.

/** For each of the places in a step, the last one first, what each byte there does to the sum if all others are 0. */
const TABLES: usize = memory.data(16 * 1024, 64);

makeTables();

function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & (0 - (sum & 1)));
    store<u32>(TABLES + (byte << 2), sum);
  }
  for (let at: usize = TABLES; at < TABLES + 15 * 1024; at += 4) {
    const sum = load<u32>(at);
    store<u32>(at + 1024, (sum >>> 8) ^ load<u32>(TABLES + ((sum & 255) << 2)));
  }
}

/** The CRC-32 of so many bytes. Reads none beyond them. */
export function crc32(source: usize, length: u32): u32 {
  return continueCrc32(0, source, length);
}

/** The CRC-32 of bytes that have this one, and so many more. */
export function continueCrc32(before: u32, source: usize, length: u32): u32 {
  let sum = ~before;
  let at = source;
  const end = source + length;
  for (const last = source + (length & ~15); at < last; at += 16) {
    // What depends on the sum comes last: the rest needn't wait for it.
    sum =
      effect0(load<u32>(at, 12)) ^
      effect4(load<u32>(at, 8)) ^
      effect8(load<u32>(at, 4)) ^
      effect12(load<u32>(at) ^ sum);
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ load<u32>(((sum ^ load<u8>(at)) & 255) << 2, TABLES);
  return ~sum;
}

// Of four bytes with so many behind them. The offsets have to be constants, so there are four of these.

function effect0(word: u32): u32 {
  return (
    load<u32>((word << 2) & 0x3fc, TABLES + 3 * 1024) ^
    load<u32>((word >>> 6) & 0x3fc, TABLES + 2 * 1024) ^
    load<u32>((word >>> 14) & 0x3fc, TABLES + 1 * 1024) ^
    load<u32>((word >>> 22) & 0x3fc, TABLES + 0 * 1024)
  );
}

function effect4(word: u32): u32 {
  return (
    load<u32>((word << 2) & 0x3fc, TABLES + 7 * 1024) ^
    load<u32>((word >>> 6) & 0x3fc, TABLES + 6 * 1024) ^
    load<u32>((word >>> 14) & 0x3fc, TABLES + 5 * 1024) ^
    load<u32>((word >>> 22) & 0x3fc, TABLES + 4 * 1024)
  );
}

function effect8(word: u32): u32 {
  return (
    load<u32>((word << 2) & 0x3fc, TABLES + 11 * 1024) ^
    load<u32>((word >>> 6) & 0x3fc, TABLES + 10 * 1024) ^
    load<u32>((word >>> 14) & 0x3fc, TABLES + 9 * 1024) ^
    load<u32>((word >>> 22) & 0x3fc, TABLES + 8 * 1024)
  );
}

function effect12(word: u32): u32 {
  return (
    load<u32>((word << 2) & 0x3fc, TABLES + 15 * 1024) ^
    load<u32>((word >>> 6) & 0x3fc, TABLES + 14 * 1024) ^
    load<u32>((word >>> 14) & 0x3fc, TABLES + 13 * 1024) ^
    load<u32>((word >>> 22) & 0x3fc, TABLES + 12 * 1024)
  );
}
