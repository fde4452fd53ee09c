import { gunzip as gunzipCallback, gunzipSync, type ZlibOptions } from 'node:zlib';
import { ProfileError } from '../errors.ts';

/** Deflate can't do better than this, so a trailer that claims more says nothing about the data. */
const MAX_RATIO = 1032;
const CHUNK_BYTES = 64 * 1024;

/** Whether bytes are gzip by their first two, whatever a header or a file name says. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The bytes inside gzip; several members (RFC 1952, 2.2) are joined. Throws ProfileError `GZIP_TRUNCATED`, `GZIP_CORRUPT`,
 * `GZIP_TRAILING_BYTES`, or `BODY_TOO_LARGE` for more than `maxBytes`, of which no more than the limit is ever kept.
 */
export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  refuseClaim(bytes, maxBytes);
  for (const options of attempts(bytes, maxBytes)) {
    try {
      return wholly(bytes, gunzipSync(bytes, options));
    } catch (error) {
      if (!isOverLength(error)) throw gzipFault(error);
    }
  }
  throw bodyTooLarge(maxBytes);
}

/** The same on another thread: more work in all, but the event loop goes on meanwhile. For large bodies. */
export async function gunzipOffThread(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  refuseClaim(bytes, maxBytes);
  for (const options of attempts(bytes, maxBytes)) {
    try {
      return wholly(bytes, await inflateOnPool(bytes, options));
    } catch (error) {
      if (!isOverLength(error)) throw gzipFault(error);
    }
  }
  throw bodyTooLarge(maxBytes);
}

/** The last member alone is too large, or its trailer is wrong: nothing is inflated to find out which. */
function refuseClaim(bytes: Uint8Array, maxBytes: number): void {
  const claimed = claimedBytes(bytes);
  if (claimed > maxBytes && isBelievable(claimed, bytes)) throw bodyTooLarge(maxBytes);
}

/** Whether a trailer's claim can be true. */
export function isBelievable(claimed: number, bytes: Uint8Array): boolean {
  return claimed > 0 && claimed <= bytes.length * MAX_RATIO;
}

/** The inflated size by the trailer: the sender's word, and that of the last of several members only. */
export function claimedBytes(bytes: Uint8Array): number {
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
}

export function bodyTooLarge(maxBytes: number): ProfileError {
  const limit = maxBytes % 2 ** 20 === 0 ? `${maxBytes / 2 ** 20}MiB` : `${maxBytes} bytes`;
  return new ProfileError('BODY_TOO_LARGE', `profile over ${limit} uncompressed`, { hint: 'raise body-size-limit' });
}

/**
 * First with one buffer of the size that the trailer claims, if that is believable, and no byte more: it saves a copy.
 * If there is more after all, or nothing to believe, then in chunks up to the limit.
 */
function attempts(bytes: Uint8Array, maxBytes: number): ZlibOptions[] {
  const claimed = claimedBytes(bytes);
  // One byte of room beyond the end, or zlib asks for another buffer only to find that it is done.
  const atOnce = { info: true, chunkSize: Math.max(1024, claimed + 1), maxOutputLength: claimed };
  // Node takes neither 0 nor Infinity.
  const limit = Number.isFinite(maxBytes) ? { maxOutputLength: Math.max(1, maxBytes) } : {};
  const inChunks = { info: true, chunkSize: CHUNK_BYTES, ...limit };
  return claimed <= maxBytes && isBelievable(claimed, bytes) ? [atOnce, inChunks] : [inChunks];
}

function inflateOnPool(bytes: Uint8Array, options: ZlibOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    gunzipCallback(bytes, options, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** What Node gives with the option `info`, which its types leave out. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function isInflated(result: unknown): result is Inflated {
  return typeof result === 'object' && result !== null && 'engine' in result && 'buffer' in result;
}

/** zlib stops at the end of the last member and says nothing of zero bytes behind it. */
function wholly(bytes: Uint8Array, result: unknown): Uint8Array {
  if (!isInflated(result)) throw new TypeError('zlib gave no engine');
  if (result.engine.bytesWritten < bytes.length) {
    throw trailing(`${bytes.length - result.engine.bytesWritten} zero bytes`);
  }
  return result.buffer;
}

function isOverLength(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/** zlib's codes and texts in words that say what is wrong with the body. */
function gzipFault(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'Z_BUF_ERROR') {
    return new ProfileError('GZIP_TRUNCATED', 'gzip ends early', {
      hint: 'the body was cut off on its way',
      cause: error,
    });
  }
  if (error.code !== 'Z_DATA_ERROR') return error;
  switch (error.message) {
    case 'incorrect header check':
      return trailing('other bytes', error);
    case 'incorrect data check':
      return new ProfileError('GZIP_CORRUPT', 'gzip is corrupt: wrong checksum', { cause: error });
    case 'incorrect length check':
      return new ProfileError('GZIP_CORRUPT', 'gzip is corrupt: wrong length', { cause: error });
    default:
      return new ProfileError('GZIP_CORRUPT', `gzip is corrupt: ${error.message}`, { cause: error });
  }
}

function trailing(what: string, cause?: unknown): ProfileError {
  return new ProfileError('GZIP_TRAILING_BYTES', `gzip is followed by ${what}`, { cause });
}
