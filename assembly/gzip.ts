// One gzip member (RFC 1952) a body, as pprof profiles come and go.

import { crc32 } from './crc32';
import { deflate } from './deflate';
import { endOfInput, inflate } from './inflate';

const HEADER_SIZE: u32 = 10;
const TRAILER_SIZE: u32 = 8;

/** The most bytes that `gzip` writes for so many, those that it writes in vain included. */
export function gzipBound(length: u32): u32 {
  return length + (length >>> 8) + 64;
}

/**
 * Compresses into one member without a name or a time, and returns its size; the same bytes for the same bytes. There
 * are `gzipBound(length)` bytes at the target, and 8 bytes behind the source that may be read.
 */
export function gzip(source: usize, length: u32, target: usize): u32 {
  // Deflate; no flags, no time; made fast; on no system in particular.
  store<u64>(target, 0x0000_0000_0008_8b1f);
  store<u16>(target, 0xff04, 8);
  const size = HEADER_SIZE + deflate(source, length, target + HEADER_SIZE);
  store<u32>(target + size, crc32(source, length));
  store<u32>(target + size, length, 4);
  return size + TRAILER_SIZE;
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
