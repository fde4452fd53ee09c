// Inflate (RFC 1951).

import {
  DISTANCE_BITS,
  DISTANCE_SYMBOLS,
  DISTANCE_TABLE,
  IS_END,
  IS_LITERAL,
  IS_SPECIAL,
  IS_SUBTABLE,
  ITEM_BITS,
  ITEM_SYMBOLS,
  ITEM_TABLE,
  LITERAL_BITS,
  LITERAL_SYMBOLS,
  LITERAL_TABLE,
  makeTable,
} from './decoding-table';

const LENGTHS: usize = memory.data(288 + 32 + 138, 16);
const ITEM_LENGTHS: usize = memory.data(19, 16);
const ITEM_ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Eight bytes are read at a time, while there are as many. */
const FAR_FROM_END: usize = 8;
/** What a turn of the fast loop writes at most: two literals, a match, and what its copying writes in vain. */
const FAR_FROM_LIMIT: usize = 2 + 258 + 16;

let input: usize = 0;
let inputEnd: usize = 0;
/**
 * Bits read and not yet used, the next one lowest; above `bits` of them may be others, which are the next of the input
 * as well.
 */
let buffer: u64 = 0;
let bits: i32 = 0;
let outputStart: usize = 0;
let output: usize = 0;
let outputEnd: usize = 0;
/** Whether the fast loop has seen the end of its block. */
let isBlockDone: bool = false;
let literalMask: u64 = 0;
let distanceMask: u64 = 0;

/** Behind the stream, after an `inflate` that succeeded. */
export function endOfInput(): usize {
  return input;
}

/**
 * Inflates one deflate stream that starts at the source; returns how many bytes that gave, or -1 if it isn't a good
 * stream or there is no room. Reads and writes nothing outside of the two areas.
 */
export function inflate(source: usize, length: u32, target: usize, capacity: u32): i32 {
  input = source;
  inputEnd = source + length;
  buffer = 0;
  bits = 0;
  outputStart = target;
  output = target;
  outputEnd = target + capacity;
  for (let isLast = false; !isLast; ) {
    fill();
    isLast = <bool>takeBits(1);
    if (!inflateBlock(takeBits(2))) return -1;
  }
  giveBack();
  return bits < 0 ? -1 : <i32>(output - target);
}

function inflateBlock(kind: u32): bool {
  if (kind === 0) return copyStored();
  if (kind === 3) return false;
  if (kind === 1 ? !useFixedCodes() : !readCodes()) return false;
  return inflateFast() && (isBlockDone || inflateCarefully());
}

/** At least 56 bits, or all that there are. */
function fill(): void {
  if (inputEnd - input >= FAR_FROM_END) {
    buffer |= load<u64>(input) << bits;
    input += (63 - bits) >>> 3;
    bits |= 56;
    return;
  }
  for (; bits < 56 && input < inputEnd; bits += 8) buffer |= (<u64>load<u8>(input++)) << bits;
}

/** What isn't there is 0; `bits` tells by falling below 0. */
function takeBits(count: u32): u32 {
  const value = <u32>buffer & ((1 << count) - 1);
  buffer >>= count;
  bits -= count;
  return value;
}

/** Whole bytes that are not used yet. */
function giveBack(): void {
  if (bits >= 8) input -= bits >>> 3;
  buffer = 0;
  if (bits > 0) bits = 0;
}

function copyStored(): bool {
  giveBack();
  if (bits < 0 || inputEnd - input < 4) return false;
  const size = <usize>load<u16>(input);
  if ((size ^ 0xffff) !== <usize>load<u16>(input, 2)) return false;
  input += 4;
  if (size > inputEnd - input || size > outputEnd - output) return false;
  memory.copy(output, input, size);
  input += size;
  output += size;
  return true;
}

function useFixedCodes(): bool {
  memory.fill(LENGTHS, 8, 288);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 288, 5, 32);
  return makeTables(288, 32);
}

function makeTables(literals: u32, distances: u32): bool {
  const literalBits = makeTable(LENGTHS, literals, LITERAL_SYMBOLS, LITERAL_TABLE, LITERAL_BITS);
  if (literalBits < 0) return false;
  literalMask = (1 << literalBits) - 1;
  const distanceBits = makeTable(LENGTHS + literals, distances, DISTANCE_SYMBOLS, DISTANCE_TABLE, DISTANCE_BITS);
  if (distanceBits < 0) return false;
  distanceMask = (1 << distanceBits) - 1;
  return true;
}

/** RFC 1951, section 3.2.7. */
function readCodes(): bool {
  fill();
  const literals = takeBits(5) + 257;
  const distances = takeBits(5) + 1;
  const items = takeBits(4) + 4;
  if (literals > 286 || distances > 30) return false;
  memory.fill(ITEM_LENGTHS, 0, 19);
  for (let at: u32 = 0; at < items; at++) {
    // 19 of 3 bits are more than what is left of one filling.
    if (at === 12) fill();
    store<u8>(ITEM_LENGTHS + load<u8>(ITEM_ORDER + at), <u8>takeBits(3));
  }
  const itemBits = makeTable(ITEM_LENGTHS, 19, ITEM_SYMBOLS, ITEM_TABLE, ITEM_BITS);
  if (itemBits < 0) return false;
  const itemMask: u64 = (1 << itemBits) - 1;
  const end = LENGTHS + literals + distances;
  for (let at = LENGTHS; at < end; ) {
    if (bits < 14) fill();
    const entry = load<u32>(((<usize>(buffer & itemMask)) << 2) + ITEM_TABLE);
    takeBits(entry & 63);
    const symbol = entry >>> 16;
    if (symbol < 16) {
      store<u8>(at++, <u8>symbol);
      continue;
    }
    if (symbol === 16 && at === LENGTHS) return false;
    const times: u32 = symbol === 16 ? 3 + takeBits(2) : symbol === 17 ? 3 + takeBits(3) : 11 + takeBits(7);
    if (<usize>times > end - at) return false;
    memory.fill(at, symbol === 16 ? load<u8>(at - 1) : 0, times);
    at += times;
  }
  // Each block has an end.
  return bits >= 0 && load<u8>(LENGTHS, 256) !== 0 && makeTables(literals, distances);
}

/**
 * Symbols as long as there is room for the largest one, and input for whole words; then, or at the end of the block,
 * it stops.
 */
function inflateFast(): bool {
  isBlockDone = false;
  if (inputEnd - input < FAR_FROM_END || outputEnd - output < FAR_FROM_LIMIT) return true;
  const lastInput = inputEnd - FAR_FROM_END;
  const lastOutput = outputEnd - FAR_FROM_LIMIT;
  const literals = literalMask;
  const distances = distanceMask;
  const start = outputStart;
  let from = input;
  let to = output;
  let ahead = buffer;
  let count: u64 = bits;
  let isGood = true;
  while (from <= lastInput && to <= lastOutput) {
    ahead |= load<u64>(from) << count;
    from += <usize>((63 - count) >> 3);
    count |= 56;
    let entry = load<u32>((<usize>(ahead & literals)) << 2, LITERAL_TABLE);
    if (entry & IS_LITERAL) {
      store<u8>(to++, entry >>> 16);
      ahead >>= entry & 63;
      count -= entry & 63;
      entry = load<u32>((<usize>(ahead & literals)) << 2, LITERAL_TABLE);
      if (entry & IS_LITERAL) {
        store<u8>(to++, entry >>> 16);
        ahead >>= entry & 63;
        count -= entry & 63;
        entry = load<u32>((<usize>(ahead & literals)) << 2, LITERAL_TABLE);
        if (entry & IS_LITERAL) {
          store<u8>(to++, entry >>> 16);
          ahead >>= entry & 63;
          count -= entry & 63;
          continue;
        }
      }
      // A match may take 48 bits.
      if (from > lastInput) break;
      ahead |= load<u64>(from) << count;
      from += <usize>((63 - count) >> 3);
      count |= 56;
    }
    if (entry & IS_SPECIAL) {
      if (entry & IS_SUBTABLE) {
        const place = (entry >>> 16) + (<u32>(ahead >> LITERAL_BITS) & ((1 << ((entry >>> 8) & 15)) - 1));
        entry = load<u32>(place << 2, LITERAL_TABLE);
        if (entry & IS_LITERAL) {
          store<u8>(to++, entry >>> 16);
          ahead >>= entry & 63;
          count -= entry & 63;
          continue;
        }
      }
      if (entry & IS_SPECIAL) {
        isGood = (entry & IS_END) !== 0;
        isBlockDone = true;
        ahead >>= entry & 63;
        count -= entry & 63;
        break;
      }
    }
    const length = amountOf(entry, ahead);
    ahead >>= entry & 63;
    count -= entry & 63;

    entry = load<u32>((<usize>(ahead & distances)) << 2, DISTANCE_TABLE);
    if (entry & IS_SPECIAL) {
      if (entry & IS_SUBTABLE) {
        const place = (entry >>> 16) + (<u32>(ahead >> DISTANCE_BITS) & ((1 << ((entry >>> 8) & 15)) - 1));
        entry = load<u32>(place << 2, DISTANCE_TABLE);
      }
      if (entry & IS_SPECIAL) {
        isGood = false;
        break;
      }
    }
    const distance = amountOf(entry, ahead);
    ahead >>= entry & 63;
    count -= entry & 63;
    if (<usize>distance > to - start) {
      isGood = false;
      break;
    }
    copyMatch(to, distance, length);
    to += length;
  }
  input = from;
  output = to;
  buffer = ahead;
  bits = <i32>count;
  return isGood;
}

/** A length or distance: the bits between those of its code and the end of it, added to what the entry has. */
function amountOf(entry: u32, ahead: u64): u32 {
  const all = <u32>ahead & ((1 << (entry & 63)) - 1);
  return (entry >>> 16) + (all >>> ((entry >>> 8) & 15));
}

/** Writes up to 15 bytes more. */
function copyMatch(to: usize, distance: u32, length: u32): void {
  const end = to + length;
  if (distance >= 8) {
    let from = to - distance;
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
    for (let at = to + 16; at < end; at += 8) {
      from += 8;
      store<u64>(at, load<u64>(from, 8));
    }
    return;
  }
  const from = to - distance;
  for (let at: usize = 0; at < 8; at++) store<u8>(to + at, load<u8>(from + at));
  // Now the pattern is there often enough to be copied by words: from its lowest multiple that is no less than one
  // (bytes 1 to 7).
  const multiple = <usize>((<u64>0x0e0c_0a08_0908_0800 >> (distance << 3)) & 255);
  for (let at = to + 8; at < end; at += 8) store<u64>(at, load<u64>(at - multiple));
}

/** Symbol by symbol to the end of the block. */
function inflateCarefully(): bool {
  while (true) {
    fill();
    const literal = nextEntry(LITERAL_TABLE, literalMask, LITERAL_BITS);
    if (literal & IS_LITERAL) {
      takeBits(literal & 63);
      if (bits < 0 || output === outputEnd) return false;
      store<u8>(output++, literal >>> 16);
      continue;
    }
    if (literal & IS_SPECIAL) {
      takeBits(literal & 63);
      return bits >= 0 && (literal & IS_END) !== 0;
    }
    const length = amountOf(literal, buffer);
    takeBits(literal & 63);
    const entry = nextEntry(DISTANCE_TABLE, distanceMask, DISTANCE_BITS);
    const distance = amountOf(entry, buffer);
    takeBits(entry & 63);
    if (bits < 0 || (entry & IS_SPECIAL) !== 0) return false;
    if (<usize>distance > output - outputStart || <usize>length > outputEnd - output) return false;
    for (const end = output + length; output < end; output++) store<u8>(output, load<u8>(output - distance));
  }
}

function nextEntry(table: usize, mask: u64, tableBits: u32): u32 {
  const entry = load<u32>(table + ((<usize>(buffer & mask)) << 2));
  if ((entry & IS_SUBTABLE) === 0) return entry;
  const place = (entry >>> 16) + (<u32>(buffer >> tableBits) & ((1 << ((entry >>> 8) & 15)) - 1));
  return load<u32>(table + (place << 2));
}
