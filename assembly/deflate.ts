// Deflate (RFC 1951), made for profiles: at the speed of zlib's lowest level or better, in about as many bytes as at
// its default one.

import { beginBlocks, endBlocks, writeBlock } from './block';
import { beginMatches, endMatches, endOfTokens, FOUND, FREQUENCIES_SIZE, findMatches } from './matches';

/** Tokens that are looked at together: they continue a block, or start the next one. */
const CHUNK_TOKENS: usize = 2048;
const MOST_TOKENS: usize = 32768;
/** One more, as `findMatches` may put one over the limit. */
const TOKENS: usize = memory.data(4 * (32768 + 2048 + 1), 64);
const FREQUENCIES: usize = memory.data(4 * 320, 64);

/**
 * From which chi-square on a chunk is no part of the block before it. Coded together they take about that half in nats
 * more, here 1,000 bits. A new block's codes take some 500, and time to make.
 */
const MOST_CHI_SQUARE: f32 = 1400;

/** A stream starts here; its first part has so many bytes. */
export function beginDeflate(source: usize, length: u32, target: usize): void {
  beginMatches(source, length);
  beginBlocks(target);
}

/**
 * Writes the next part of the stream, in blocks of its own: its length + length / 256 + 30 bytes at most. The bytes before
 * it are those of the part before, or the last window of them. Reads up to 8 bytes behind the source, which change nothing,
 * and writes as many in vain behind the stream.
 */
export function deflatePart(source: usize, end: usize, isLast: bool): void {
  memory.fill(FREQUENCIES, 0, FREQUENCIES_SIZE);
  let block = source;
  let at = source;
  let tokens = TOKENS;
  do {
    const chunk = at;
    at = findMatches(chunk, end, tokens, tokens + 4 * CHUNK_TOKENS);
    if (tokens > TOKENS && (endOfTokens >= TOKENS + 4 * MOST_TOKENS || isOfAnotherKind(tokens))) {
      writeBlock(block, chunk, TOKENS, tokens, FREQUENCIES, false);
      block = chunk;
      memory.copy(TOKENS, tokens, endOfTokens - tokens);
      tokens = TOKENS + (endOfTokens - tokens);
      memory.copy(FREQUENCIES, FOUND, FREQUENCIES_SIZE);
    } else {
      tokens = endOfTokens;
      for (let place: usize = 0; place < FREQUENCIES_SIZE; place += 4) {
        store<u32>(place, load<u32>(place, FREQUENCIES) + load<u32>(place, FOUND), FREQUENCIES);
      }
    }
  } while (at < end);
  writeBlock(block, end, TOKENS, tokens, FREQUENCIES, isLast);
}

/** The source ended here; gives where the stream ends. */
export function endDeflate(end: usize): usize {
  endMatches(end);
  return endBlocks();
}

/**
 * Compares how often symbols occur before and from `tokens` on: samples, locations and strings of a profile differ
 * widely.
 */
function isOfAnotherKind(tokens: usize): bool {
  const ratio = sqrt(<f32>(endOfTokens - tokens) / <f32>(tokens - TOKENS));
  const inverse: f32 = 1 / ratio;
  let chiSquare: f32 = 0;
  for (let place: usize = 0; place < FREQUENCIES_SIZE; place += 4) {
    const before = <f32>load<u32>(place, FREQUENCIES);
    const now = <f32>load<u32>(place, FOUND);
    const difference = before * ratio - now * inverse;
    // The smallest addend against a division of 0 by 0.
    chiSquare += (difference * difference) / (before + now + 1e-9);
  }
  return chiSquare > MOST_CHI_SQUARE;
}
