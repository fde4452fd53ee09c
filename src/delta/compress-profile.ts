import { gzip, gzipSync, type ZlibOptions } from 'node:zlib';
import { isGzip } from '../profile/gunzip.ts';

/**
 * From this size on another thread compresses. Measured: at 20 kB the way there doubles the cost, at 170 kB it adds a tenth,
 * at 250 kB nothing, and the event loop is free for half of the work that such a profile makes. A pool of workers for the
 * other half, the subtraction, doesn't pay: each would hold buffers and compiled code of its own, ten megabytes, to
 * shorten what takes 10 ms for 10,000 samples.
 */
const OFF_THREAD_BYTES = 256 * 1024;

/** A profile as it goes to a file or server. Done at once, in place. */
export function compressProfile(pprof: Uint8Array): Uint8Array {
  return gzipSync(pprof, optionsFor(pprof));
}

/** The body of an outcome: what is gzip already (no protobuf starts like that) as it is, else compressed. */
export function compressedBody(body: Uint8Array): Uint8Array | Promise<Uint8Array> {
  if (isGzip(body)) return body;
  if (body.length < OFF_THREAD_BYTES) return compressProfile(body);
  return new Promise((resolve, reject) => {
    gzip(body, optionsFor(body), (error, compressed) => (error ? reject(error) : resolve(compressed)));
  });
}

/**
 * Level 1: level 6 costs more than twice the time for a few percent of bytes. A large hash table and one chunk instead of
 * many save a tenth of it; for a small profile zlib would spend as much on clearing its tables as on compressing, so that
 * they are no larger than it needs.
 */
function optionsFor({ length }: Uint8Array): ZlibOptions {
  const chunkSize = 1024 + (length >>> 1);
  if (length <= SMALL_BYTES) return { level: 1, windowBits: 13, memLevel: 7, chunkSize };
  return { level: 1, memLevel: 9, chunkSize };
}

/** What a window of 13 bits holds. */
const SMALL_BYTES = 8 * 1024;
