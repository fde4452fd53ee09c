import { refuseForeign } from './foreign-body.ts';
import { bodyTooLarge, gunzip, isGzip } from './gunzip.ts';

/**
 * The protobuf bytes of a profile as it lies in a file or came from a target: inflated if it is gzip (judged by its first
 * bytes), else the bytes themselves. Throws ProfileError for an empty body, broken gzip, gzip in gzip, more than `maxBytes`
 * inflated, and for what is recognisably something else (HTML, JSON, text, a Go trace, legacy formats). Does not look into
 * the protobuf: `validateProfile` does.
 */
export function openProfile(body: Uint8Array, maxBytes: number): Uint8Array {
  const pprof = isGzip(body) ? gunzip(body, maxBytes) : body;
  if (pprof.length > maxBytes) throw bodyTooLarge(maxBytes);
  refuseForeign(pprof);
  return pprof;
}
