// Tables that turn the next bits of a deflate stream into a symbol (RFC 1951, section 3.2.2), and what is known of each
// symbol.

/**
 * An entry, as a u32. Its low 6 bits: how many bits the code has with its extra bits; 4 bits from 8 on: without them;
 * the upper 16: a literal, or what the extra bits are added to for a length or distance, or where a subtable starts.
 * Then flags. For a subtable the 4 bits are those that choose an entry in it, after the first ones.
 */
export const IS_LITERAL: u32 = 0x8000;
/** Neither a literal nor a length or distance: a subtable, the end of the block, or else a fault. */
export const IS_SPECIAL: u32 = 0x4000;
export const IS_SUBTABLE: u32 = 0x2000;
export const IS_END: u32 = 0x1000;

/** Bits that choose an entry of the first table. */
export const LITERAL_BITS: u32 = 11;
export const DISTANCE_BITS: u32 = 9;
export const ITEM_BITS: u32 = 7;

// In a complete code at least two symbols share the first bits, so that there are at most half as many subtables as
// symbols.
export const LITERAL_TABLE: usize = memory.data(4 * (2048 + 144 * 16), 64);
export const DISTANCE_TABLE: usize = memory.data(4 * (512 + 16 * 64), 64);
export const ITEM_TABLE: usize = memory.data(4 * 128, 64);

/** Entries without their codes: a length of 1 adds ONE_BIT. */
const ONE_BIT: u32 = 0x101;
export const LITERAL_SYMBOLS: usize = memory.data(4 * 288, 64);
export const DISTANCE_SYMBOLS: usize = memory.data(4 * 32, 64);
export const ITEM_SYMBOLS: usize = memory.data(4 * 19, 64);

const COUNTS: usize = memory.data(4 * 16, 16);
const NEXT_PLACES: usize = memory.data(4 * 17, 16);
const IN_ORDER: usize = memory.data(2 * 288, 16);

describeSymbols();

function describeSymbols(): void {
  for (let byte: u32 = 0; byte < 256; byte++) store<u32>(LITERAL_SYMBOLS + (byte << 2), (byte << 16) | IS_LITERAL);
  store<u32>(LITERAL_SYMBOLS, IS_SPECIAL | IS_END, 4 * 256);
  let base: u32 = 3;
  for (let index: u32 = 0; index < 28; index++) {
    const extraBits = index < 8 ? 0 : (index >>> 2) - 1;
    store<u32>(LITERAL_SYMBOLS + (index << 2), (base << 16) | extraBits, 4 * 257);
    base += 1 << extraBits;
  }
  store<u32>(LITERAL_SYMBOLS, 258 << 16, 4 * 285);
  base = 1;
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const extraBits = symbol < 4 ? 0 : (symbol >>> 1) - 1;
    store<u32>(DISTANCE_SYMBOLS + (symbol << 2), (base << 16) | extraBits);
    base += 1 << extraBits;
  }
  // The fixed codes have symbols that must not occur.
  store<u32>(LITERAL_SYMBOLS, IS_SPECIAL, 4 * 286);
  store<u32>(LITERAL_SYMBOLS, IS_SPECIAL, 4 * 287);
  store<u32>(DISTANCE_SYMBOLS, IS_SPECIAL, 4 * 30);
  store<u32>(DISTANCE_SYMBOLS, IS_SPECIAL, 4 * 31);
  for (let symbol: u32 = 0; symbol < 19; symbol++) store<u32>(ITEM_SYMBOLS + (symbol << 2), symbol << 16);
}

/**
 * Makes the table of a code with these lengths, a byte for each of `count` symbols. Returns how many bits choose an
 * entry of it, at most `mostBits`; -1 for a code that is over-subscribed, or incomplete, which only one of distances
 * may be: nothing, or a single code of one bit.
 */
export function makeTable(lengths: usize, count: u32, symbols: usize, table: usize, mostBits: u32): i32 {
  memory.fill(COUNTS, 0, 4 * 16);
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const place = COUNTS + ((<usize>load<u8>(lengths + symbol)) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  let longest: u32 = 15;
  while (longest > 0 && load<u32>(COUNTS + (longest << 2)) === 0) longest--;
  let left: i32 = 1;
  let place = load<u32>(COUNTS);
  store<u32>(NEXT_PLACES, 0);
  for (let length: u32 = 1; length < 16; length++) {
    const codes = load<u32>(COUNTS + (length << 2));
    left = (left << 1) - codes;
    if (left < 0) return -1;
    store<u32>(NEXT_PLACES + (length << 2), place);
    place += codes;
  }
  if (left > 0 && (table !== DISTANCE_TABLE || longest > 1)) return -1;

  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const next = NEXT_PLACES + ((<usize>load<u8>(lengths + symbol)) << 2);
    const at = load<u32>(next);
    store<u32>(next, at + 1);
    store<u16>(IN_ORDER + (at << 1), <u16>symbol);
  }
  return fillTable(symbols, table, mostBits, longest);
}

/**
 * The table grows with the length of the codes: what was made for the shorter ones is doubled. A code's first bit is
 * the lowest, so that counting goes from its highest bit down.
 */
function fillTable(symbols: usize, table: usize, mostBits: u32, longest: u32): i32 {
  const bits = min(longest, mostBits);
  let inOrder = IN_ORDER + (load<u32>(COUNTS) << 1);
  let code: u32 = 0;
  store<u32>(table, IS_SPECIAL);
  for (let length: u32 = 1; length <= bits; length++) {
    const size: u32 = 1 << (length - 1);
    memory.copy(table + (size << 2), table, size << 2);
    for (let codes = load<u32>(COUNTS + (length << 2)); codes > 0; codes--) {
      store<u32>(table + (code << 2), entryOf(symbols, inOrder, length));
      inOrder += 2;
      code = following(code, length);
    }
  }
  const subtableBits = longest - bits;
  let subtable: u32 = 1 << bits;
  let end = subtable;
  let prefix: u32 = u32.MAX_VALUE;
  for (let length = bits + 1; length <= longest; length++) {
    for (let codes = load<u32>(COUNTS + (length << 2)); codes > 0; codes--) {
      const start = code & ((1 << bits) - 1);
      if (start !== prefix) {
        prefix = start;
        subtable = end;
        end += 1 << subtableBits;
        store<u32>(table + (start << 2), (subtable << 16) | IS_SPECIAL | IS_SUBTABLE | (subtableBits << 8));
      }
      const entry = entryOf(symbols, inOrder, length);
      for (let at = subtable + (code >>> bits); at < end; at += 1 << (length - bits))
        store<u32>(table + (at << 2), entry);
      inOrder += 2;
      code = following(code, length);
    }
  }
  return bits;
}

function entryOf(symbols: usize, inOrder: usize, length: u32): u32 {
  return load<u32>(symbols + ((<usize>load<u16>(inOrder)) << 2)) + length * ONE_BIT;
}

/** Adds 1 to a number of so many bits, the lowest of which is written first; 0 after the last one. */
function following(code: u32, length: u32): u32 {
  const zeros = ~code & ((1 << length) - 1);
  if (zeros === 0) return 0;
  const highest: u32 = 1 << (31 - clz(zeros));
  return (code & (highest - 1)) | highest;
}
