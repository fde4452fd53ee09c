// One gzip member (RFC 1952) a body, as pprof profiles come and go.

import { continueCrc32, crc32 } from './crc32';
import { beginDeflate, deflatePart, endDeflate } from './deflate';
import { endOfInput, inflate } from './inflate';

const HEADER_SIZE: u32 = 10;
const TRAILER_SIZE: u32 = 8;

let member: usize = 0;
let sum: u32 = 0;
let sourceBytes: u32 = 0;

/** The most bytes that a member of so many has, those that are written in vain included. */
export function gzipBound(length: u32): u32 {
  return length + (length >>> 8) + 64;
}

/**
 * A member without a name or a time starts here; the first part of its source has so many bytes. The same parts make the
 * same member.
 */
export function beginGzip(source: usize, length: u32, target: usize): void {
  // Deflate; no flags, no time; made fast; on no system in particular.
  store<u64>(target, 0x0000_0000_0008_8b1f);
  store<u16>(target, 0xff04, 8);
  beginDeflate(source, length, target + HEADER_SIZE);
  member = target;
  sum = 0;
  sourceBytes = 0;
}

/** Compresses the next part: see `deflatePart`. */
export function gzipPart(source: usize, end: usize, isLast: bool): void {
  deflatePart(source, end, isLast);
  sum = continueCrc32(sum, source, <u32>(end - source));
  sourceBytes += <u32>(end - source);
}

/** The source ended here; gives the size of the member. */
export function endGzip(end: usize): u32 {
  const endOfStream = endDeflate(end);
  store<u32>(endOfStream, sum);
  store<u32>(endOfStream, sourceBytes, 4);
  return <u32>(endOfStream - member) + TRAILER_SIZE;
}

/** Compresses so many bytes in one part. There are `gzipBound(length)` bytes at the target, and 8 behind the source. */
export function gzip(source: usize, length: u32, target: usize): u32 {
  beginGzip(source, length, target);
  gzipPart(source, source + length, true);
  return endGzip(source + length);
}

/**
 * Inflates a body of exactly one member without optional fields, and checks it. Returns how many bytes that gave, or
 * -1 without a verdict: for what is damaged, longer than the capacity, or a rare kind of gzip. Then what is at the
 * target has no meaning. Reads and writes nothing outside of the two areas.
 */
export function gunzip(source: usize, length: u32, target: usize, capacity: u32): i32 {
  if (length < HEADER_SIZE + TRAILER_SIZE || load<u32>(source) !== 0x00088b1f) return -1;
  const endOfStream = source + length - TRAILER_SIZE;
  const size = inflate(source + HEADER_SIZE, length - HEADER_SIZE - TRAILER_SIZE, target, capacity);
  if (size < 0 || endOfInput() !== endOfStream) return -1;
  if (load<u32>(endOfStream, 4) !== <u32>size || load<u32>(endOfStream) !== crc32(target, size)) return -1;
  return size;
}
