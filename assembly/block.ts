// The second half of deflate: tokens become a block in the shortest of its three forms (RFC 1951, section 3.2.3).

import { makeCodes, makeLengths } from './huffman';
import { DISTANCES_AT, extraBitsOfLength, NO_DISTANCE } from './matches';

const LITERALS: u32 = 286;
const DISTANCES: u32 = 30;
const END_OF_BLOCK: u32 = 256;
const LENGTH_SYMBOLS: u32 = 29;
const MOST_STORED: usize = 65535;

// The codes of a block: lengths (a byte each, with 8 behind them that are read in vain), how many of each length,
// codes.
const LITERAL_LENGTHS: usize = memory.data(288 + 32 + 8, 16);
const LITERAL_COUNTS: usize = memory.data(64, 16);
const LITERAL_CODES: usize = memory.data(4 * 288, 16);
const DISTANCE_LENGTHS: usize = memory.data(32, 16);
const DISTANCE_COUNTS: usize = memory.data(64, 16);
const DISTANCE_CODES: usize = memory.data(4 * 32, 16);
const FIXED_LITERAL_CODES: usize = memory.data(4 * 288, 16);
const FIXED_DISTANCE_CODES: usize = memory.data(4 * 32, 16);

// What says these lengths: items (symbol and value of its extra bits, a byte each) in a code of their own.
const ITEM_SYMBOLS: u32 = 19;
const ITEMS: usize = memory.data(2 * 320 + 8, 16);
const ITEM_FREQUENCIES: usize = memory.data(4 * 20, 16);
const ITEM_LENGTHS: usize = memory.data(32, 16);
const ITEM_COUNTS: usize = memory.data(64, 16);
const ITEM_CODES: usize = memory.data(4 * 20, 16);
const ITEM_EXTRA_BITS: usize = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7]);
const ITEM_ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

// What a token's two parts look up: code << 8 | bits, where the code has its extra bits already; code << 16 | bits of
// it << 8 | bits with the extra ones.
const TOKEN_CODES: usize = memory.data(4 * 512, 64);
const TOKEN_DISTANCES: usize = memory.data(4 * 32, 64);

let out: usize = 0;
/** Less than a byte. */
let waiting: u64 = 0;
let waitingBits: u64 = 0;

makeFixedCodes();

function makeFixedCodes(): void {
  memory.fill(LITERAL_LENGTHS, 8, 288);
  memory.fill(LITERAL_LENGTHS + 144, 9, 112);
  memory.fill(LITERAL_LENGTHS + 256, 7, 24);
  store<u32>(LITERAL_COUNTS, 24, 4 * 7);
  store<u32>(LITERAL_COUNTS, 152, 4 * 8);
  store<u32>(LITERAL_COUNTS, 112, 4 * 9);
  makeCodes(LITERAL_LENGTHS, 288, LITERAL_COUNTS, FIXED_LITERAL_CODES);
  memory.fill(DISTANCE_LENGTHS, 5, 32);
  store<u32>(DISTANCE_COUNTS, 32, 4 * 5);
  makeCodes(DISTANCE_LENGTHS, 32, DISTANCE_COUNTS, FIXED_DISTANCE_CODES);
}

/** A stream starts here. */
export function beginBlocks(target: usize): void {
  out = target;
  waiting = 0;
  waitingBits = 0;
}

/** Brings out the last bits; returns the end of the stream. */
export function endBlocks(): usize {
  if (waitingBits > 0) store<u8>(out++, <u8>waiting);
  return out;
}

/**
 * Writes these bytes as one block (stored: as many as it takes), given as tokens and how often their symbols occur.
 * Writes up to 8 bytes more than it needs.
 */
export function writeBlock(
  source: usize,
  end: usize,
  tokens: usize,
  endOfTokens: usize,
  frequencies: usize,
  isLast: bool,
): void {
  store<u32>(frequencies, 1, 4 * 256);
  const distances = frequencies + DISTANCES_AT;
  let dynamicBits = makeLengths(frequencies, LITERALS, 15, LITERAL_LENGTHS, LITERAL_COUNTS);
  dynamicBits += makeLengths(distances, DISTANCES, 15, DISTANCE_LENGTHS, DISTANCE_COUNTS);
  const literals = inUse(LITERAL_LENGTHS, LITERALS);
  const distanceCodes = inUse(DISTANCE_LENGTHS, DISTANCES);
  const endOfItems = makeItems(literals, distanceCodes);
  dynamicBits += makeLengths(ITEM_FREQUENCIES, ITEM_SYMBOLS, 7, ITEM_LENGTHS, ITEM_COUNTS);
  let itemCodes = ITEM_SYMBOLS;
  while (load<u8>(ITEM_LENGTHS + load<u8>(ITEM_ORDER + itemCodes - 1)) === 0) itemCodes--;
  dynamicBits += 14 + 3 * itemCodes;
  for (let symbol: u32 = 16; symbol < ITEM_SYMBOLS; symbol++) {
    dynamicBits += load<u32>(ITEM_FREQUENCIES + (symbol << 2)) * load<u8>(ITEM_EXTRA_BITS + symbol);
  }

  let fixedBits: u32 = 0;
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    fixedBits += load<u32>(frequencies + (symbol << 2)) * (load<u32>(FIXED_LITERAL_CODES + (symbol << 2)) & 255);
  }
  let extraBits: u32 = 0;
  for (let index: u32 = 0; index < LENGTH_SYMBOLS; index++) {
    extraBits += load<u32>(frequencies + (index << 2), 4 * 257) * extraBitsOfLength(index);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    const frequency = load<u32>(distances + (symbol << 2));
    fixedBits += frequency * 5;
    extraBits += frequency * extraBitsOfDistance(symbol);
  }

  const size = <u64>(end - source);
  const storedBits = size * 8 + (size / MOST_STORED + 1) * 40;
  if (storedBits <= min(dynamicBits, fixedBits) + extraBits) {
    writeStored(source, end, isLast);
  } else if (fixedBits <= dynamicBits) {
    put(<u64>isLast | 2, 3);
    writeTokens(tokens, endOfTokens, FIXED_LITERAL_CODES, FIXED_DISTANCE_CODES);
  } else {
    put(<u64>(<u32>isLast | 4 | ((literals - 257) << 3) | ((distanceCodes - 1) << 8) | ((itemCodes - 4) << 13)), 17);
    for (let at: u32 = 0; at < itemCodes; at++) put(load<u8>(ITEM_LENGTHS + load<u8>(ITEM_ORDER + at)), 3);
    writeItems(endOfItems);
    makeCodes(LITERAL_LENGTHS, LITERALS, LITERAL_COUNTS, LITERAL_CODES);
    makeCodes(DISTANCE_LENGTHS, DISTANCES, DISTANCE_COUNTS, DISTANCE_CODES);
    writeTokens(tokens, endOfTokens, LITERAL_CODES, DISTANCE_CODES);
  }
}

function extraBitsOfDistance(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >>> 1) - 1;
}

/** Symbols up to the last one in use. */
function inUse(lengths: usize, count: u32): u32 {
  let used = count;
  while (load<u8>(lengths + used - 1) === 0) used--;
  return used;
}

function put(value: u64, count: u64): void {
  waiting |= value << waitingBits;
  waitingBits += count;
  store<u64>(out, waiting);
  out += <usize>(waitingBits >> 3);
  waiting >>= waitingBits & 56;
  waitingBits &= 7;
}

function writeStored(source: usize, end: usize, isLast: bool): void {
  let at = source;
  do {
    const size = min(MOST_STORED, end - at);
    put(isLast && at + size === end ? 1 : 0, 3);
    put(0, (8 - waitingBits) & 7);
    put(size | ((size ^ 0xffff) << 16), 32);
    memory.copy(out, at, size);
    out += size;
    at += size;
  } while (at < end);
}

/** The lengths of both codes in a row, runs of them as one item; returns the end of the items. */
function makeItems(literals: u32, distances: u32): usize {
  memory.copy(LITERAL_LENGTHS + literals, DISTANCE_LENGTHS, distances);
  memory.fill(ITEM_FREQUENCIES, 0, 4 * ITEM_SYMBOLS);
  let item = ITEMS;
  let at = LITERAL_LENGTHS;
  const end = at + literals + distances;
  while (at < end) {
    const length = <u32>load<u8>(at);
    let run = runOf(length, at, end);
    at += run;
    if (length === 0) {
      for (; run >= 3; run -= min<u32>(run, 138)) {
        item = run < 11 ? putItem(item, 17, run - 3) : putItem(item, 18, min<u32>(run, 138) - 11);
      }
    } else if (run >= 4) {
      item = putItem(item, length, 0);
      for (run--; run >= 3; run -= min<u32>(run, 6)) item = putItem(item, 16, min<u32>(run, 6) - 3);
    }
    // Up to three alike: written in one go, as most runs are, so that there is no loop to be mispredicted.
    store<u64>(item, <u64>length * 0x0001000100010001);
    item += run << 1;
    countItem(length, run);
  }
  return item;
}

function runOf(length: u32, from: usize, end: usize): u32 {
  for (let at = from; at < end; at += 8) {
    const difference = load<u64>(at) ^ (<u64>length * 0x0101010101010101);
    if (difference !== 0) return <u32>(min(end, at + <usize>(ctz(difference) >> 3)) - from);
  }
  return <u32>(end - from);
}

function putItem(item: usize, symbol: u32, extra: u32): usize {
  store<u16>(item, <u16>(symbol | (extra << 8)));
  countItem(symbol, 1);
  return item + 2;
}

function countItem(symbol: u32, times: u32): void {
  const place = ITEM_FREQUENCIES + (symbol << 2);
  store<u32>(place, load<u32>(place) + times);
}

function writeItems(end: usize): void {
  makeCodes(ITEM_LENGTHS, ITEM_SYMBOLS, ITEM_COUNTS, ITEM_CODES);
  let bits = waiting;
  let filled = waitingBits;
  let to = out;
  for (let item = ITEMS; item < end; item += 2) {
    const symbol = <usize>load<u8>(item);
    const code = load<u32>(ITEM_CODES + (symbol << 2));
    const ownBits = code & 255;
    bits |= (<u64>((code >>> 8) | ((<u32>load<u8>(item, 1)) << ownBits))) << filled;
    filled += ownBits + load<u8>(ITEM_EXTRA_BITS + symbol);
    store<u64>(to, bits);
    to += <usize>(filled >> 3);
    bits >>= filled & 56;
    filled &= 7;
  }
  waiting = bits;
  waitingBits = filled;
  out = to;
}

/**
 * Literals and matches go one way, as which of them is next can't be predicted: a literal has a distance of no bits.
 */
function writeTokens(tokens: usize, end: usize, literalCodes: usize, distanceCodes: usize): void {
  makeTokenCodes(literalCodes, distanceCodes);
  let bits = waiting;
  let filled = waitingBits;
  let to = out;
  for (let at = tokens; at < end; at += 4) {
    const token = load<u32>(at);
    const literal = load<u32>((token & 511) << 2, TOKEN_CODES);
    const distance = load<u32>(((token >>> 9) & 31) << 2, TOKEN_DISTANCES);
    bits |= (<u64>(literal >>> 8)) << filled;
    filled += literal & 255;
    // 7 + 20 + 28 bits at most.
    bits |= (<u64>(distance >>> 16) | ((<u64>(token >>> 14)) << ((distance >>> 8) & 255))) << filled;
    filled += distance & 255;
    store<u64>(to, bits);
    to += <usize>(filled >> 3);
    bits >>= filled & 56;
    filled &= 7;
  }
  waiting = bits;
  waitingBits = filled;
  out = to;
  const last = load<u32>(literalCodes + (END_OF_BLOCK << 2));
  put(last >>> 8, last & 255);
}

function makeTokenCodes(literalCodes: usize, distanceCodes: usize): void {
  memory.copy(TOKEN_CODES, literalCodes, 4 * 256);
  let place = TOKEN_CODES + 4 * 256;
  for (let index: u32 = 0; index < LENGTH_SYMBOLS; index++) {
    const code = load<u32>(literalCodes + (index << 2), 4 * 257);
    const extraBits = extraBitsOfLength(index);
    // The last but one symbol would have a 32nd length, 258, which has a symbol of its own.
    const end = min(place + (4 << extraBits), TOKEN_CODES + 4 * (index < 28 ? 511 : 512));
    if (code === 0) {
      place = end;
      continue;
    }
    const step: u32 = 256 << (code & 255);
    for (let entry = code + extraBits; place < end; place += 4) {
      store<u32>(place, entry);
      entry += step;
    }
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    const code = load<u32>(distanceCodes + (symbol << 2));
    const bits = code & 255;
    store<u32>(
      TOKEN_DISTANCES + (symbol << 2),
      ((code >>> 8) << 16) | (bits << 8) | (bits + extraBitsOfDistance(symbol)),
    );
  }
  store<u32>(TOKEN_DISTANCES + (NO_DISTANCE << 2), 0);
}
