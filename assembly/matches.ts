// The first half of deflate, LZ77: bytes become tokens, each a literal or a match, a reference to earlier bytes (RFC
// 1951, section 4).

/**
 * A token is a u32. Its low 9 bits: 0 to 255 a literal, from 256 on the length of a match, which is at least 3; 5
 * bits: the symbol of the distance or NO_DISTANCE; then the extra bits of the distance.
 */
export const NO_DISTANCE: u32 = 31;

/**
 * How often each symbol occurs in the tokens of the last `findMatches`, as u32: literals and lengths (with room for
 * the end of the block), from DISTANCES_AT on distances.
 */
export const FREQUENCIES_SIZE: usize = 4 * 320;
export const DISTANCES_AT: usize = 4 * 288;
export const FOUND: usize = memory.data(4 * 320, 64);
const FOUND_LENGTHS: usize = FOUND + 4 * 256;
const FOUND_DISTANCES: usize = FOUND + DISTANCES_AT;

const LEAST_MATCH: u32 = 4;
const MOST_MATCH: u32 = 258;
/** How far back a match may start. */
export const WINDOW: u32 = 32768;
/** What is as long is taken without a look at the match that starts one byte later. */
const LONG_ENOUGH: u32 = 32;

/**
 * Where four bytes of this hash were seen last. Positions go on from one input to the next and leave out a window
 * between them, so that all of an earlier input are too far away to be a match and nothing has to be cleared.
 */
const HEADS: usize = memory.data(4 << 15, 64);
const MOST_HASH_BITS: u32 = 15;
const LEAST_HASH_BITS: u32 = 8;
/** Beyond it they start anew, with a cleared table; so far below 2^32 that one more input doesn't overflow. */
const MOST_POSITION: u32 = 1 << 28;
let freePosition: u32 = WINDOW + 1;
/** Position minus address, of the input at hand. */
let bias: u32 = 0;
let hashShift: u32 = 0;

/** For length - 3 its symbol - 256. */
const LENGTH_SYMBOLS: usize = memory.data(256, 64);

/** Behind the tokens of the last `findMatches`. */
export let endOfTokens: usize = 0;

makeLengthSymbols();

function makeLengthSymbols(): void {
  let at = LENGTH_SYMBOLS;
  for (let index: u32 = 0; index < 28; index++) {
    const lengths: u32 = 1 << extraBitsOfLength(index);
    memory.fill(at, <u8>(index + 1), lengths);
    at += lengths;
  }
  // 258, which the symbol before could say too.
  store<u8>(LENGTH_SYMBOLS, 29, 255);
}

/** Of length symbol 257 + index. */
export function extraBitsOfLength(index: u32): u32 {
  return index < 8 || index === 28 ? 0 : (index >>> 2) - 1;
}

/**
 * An input, of less than 1 GiB, starts here, with about so many bytes. It lies above the static memory, so that an address
 * a window before it is one too.
 */
export function beginMatches(source: usize, length: u32): void {
  if (freePosition > MOST_POSITION) {
    memory.fill(HEADS, 0, 4 << MOST_HASH_BITS);
    freePosition = WINDOW + 1;
  }
  bias = freePosition - <u32>source;
  // A small input touches no more of the table than it fills.
  hashShift = max(32 - MOST_HASH_BITS, min(32 - LEAST_HASH_BITS, clz(length >>> 1)));
}

/** The last window of what was looked at lies so many bytes further down now, and what follows comes behind it. */
export function moveMatches(distance: usize): void {
  bias += <u32>distance;
}

/** The input ended here. */
export function endMatches(end: usize): void {
  freePosition = <u32>end + bias + WINDOW + 1;
}

/**
 * Turns the bytes from `from` on into tokens until these come to `limit` (or go one beyond it) or the bytes to `end`;
 * returns where it stopped. Reads up to 8 bytes behind `end`, but the result does not depend on them.
 *
 * One candidate for each match, and one look ahead whether a longer one starts a byte later: a second candidate costs
 * more time than it saves bytes in profiles. Where a branch can't be predicted, conditions are put together first.
 */
export function findMatches(from: usize, end: usize, tokens: usize, limit: usize): usize {
  memory.fill(FOUND, 0, FREQUENCIES_SIZE);
  const shift = hashShift;
  const toPosition = bias;
  let token = tokens;
  let at = from;
  for (const last = end - LEAST_MATCH - 1; token < limit && at <= last; token += 4) {
    const word = load<u32>(at);
    const position = <u32>at + toPosition;
    let distance = position - exchangeHead(word, position, shift);
    if (!isSame(at, distance, word)) {
      putLiteral(token, word & 255);
      at++;
      continue;
    }
    let length = matchLength(at, distance, end);
    const nextWord = load<u32>(at, 1);
    const nextDistance = position + 1 - exchangeHead(nextWord, position + 1, shift);
    // A longer one has the same bytes also where this one ends.
    if (length < LONG_ENOUGH && isSame(at + length - 2, nextDistance, load<u32>(at + length - 2))) {
      const nextLength = isSame(at + 1, nextDistance, nextWord) ? matchLength(at + 1, nextDistance, end) : 0;
      if (nextLength > length) {
        putLiteral(token, word & 255);
        token += 4;
        at++;
        length = nextLength;
        distance = nextDistance;
      }
    }
    putMatch(token, length, distance);
    const next = at + length;
    if (next <= last) {
      // The others inside it would bring little.
      setHead(at + 2, toPosition, shift);
      setHead(next - 2, toPosition, shift);
      setHead(next - 1, toPosition, shift);
    }
    at = next;
  }
  for (; token < limit && at < end; token += 4) putLiteral(token, load<u8>(at++));
  endOfTokens = token;
  return at;
}

function hashOf(word: u32, shift: u32): usize {
  return ((word * 0x9e3779b1) >>> shift) << 2;
}

function exchangeHead(word: u32, position: u32, shift: u32): u32 {
  const head = hashOf(word, shift);
  const before = load<u32>(head, HEADS);
  store<u32>(head, position, HEADS);
  return before;
}

function setHead(at: usize, toPosition: u32, shift: u32): void {
  store<u32>(hashOf(load<u32>(at), shift), <u32>at + toPosition, HEADS);
}

/** Whether these four bytes are also at this distance, within the window. */
function isSame(at: usize, distance: u32, word: u32): bool {
  return ((load<u32>(at - min(distance, WINDOW)) ^ word) | <u32>(distance > WINDOW)) === 0;
}

/** Of a match that has four bytes. */
function matchLength(at: usize, distance: u32, end: usize): u32 {
  const most = min(MOST_MATCH, <u32>(end - at));
  for (let length = LEAST_MATCH; length < most; length += 8) {
    const difference = load<u64>(at + length) ^ load<u64>(at + length - distance);
    if (difference !== 0) return min(most, length + <u32>(ctz(difference) >> 3));
  }
  return most;
}

function putLiteral(token: usize, byte: u32): void {
  store<u32>(token, byte | (NO_DISTANCE << 9));
  store<u32>(byte << 2, load<u32>(byte << 2, FOUND) + 1, FOUND);
}

function putMatch(token: usize, length: u32, distance: u32): void {
  const lengthSymbol = (<u32>load<u8>(length - 3, LENGTH_SYMBOLS)) << 2;
  store<u32>(lengthSymbol, load<u32>(lengthSymbol, FOUND_LENGTHS) + 1, FOUND_LENGTHS);
  // The symbols of distance - 1 are like floating-point numbers with one bit after the first.
  const offset = distance - 1;
  const extraBits = 30 - clz<u32>(offset | 2);
  const symbol = (extraBits << 1) + (offset >>> extraBits);
  store<u32>(symbol << 2, load<u32>(symbol << 2, FOUND_DISTANCES) + 1, FOUND_DISTANCES);
  store<u32>(token, (256 + length - 3) | (symbol << 9) | ((offset & ((1 << extraBits) - 1)) << 14));
}
