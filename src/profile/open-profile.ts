import { refuseForeign } from './foreign-body.ts';
import { bodyTooLarge, gunzip, isGzip } from './gunzip.ts';

/** A profile as it lies in a file or came from a target, opened. */
export interface OpenedBody {
  /** Gzip or plain protobuf: the body, or what was in its outer gzip. */
  readonly body: Uint8Array;
  readonly pprof: Uint8Array;
  /** The body was gzip within gzip, as where a proxy compresses what is compressed already. */
  readonly isTwice: boolean;
}

/** What users are told of a body that was compressed twice. */
export const TWICE_WARNING =
  'is gzip inside gzip; the outer one is taken off. Something on the way compresses it again: switch that off for the paths of profiles';

/**
 * Opens a profile: inflates it if it is gzip (judged by its first bytes), and once more if that gives gzip. Throws
 * ProfileError for an empty body, broken gzip, a third gzip, more than `maxBytes` inflated, and for what is recognisably
 * something else (HTML, JSON, text, a Go trace, legacy formats). Does not look into the protobuf: `validateProfile` does.
 */
export function openBody(received: Uint8Array, maxBytes: number): OpenedBody {
  let body = received;
  let pprof = isGzip(received) ? gunzip(received, maxBytes) : received;
  const isTwice = isGzip(received) && isGzip(pprof);
  if (isTwice) {
    body = pprof;
    pprof = gunzip(body, maxBytes);
  }
  if (pprof.length > maxBytes) throw bodyTooLarge(maxBytes);
  refuseForeign(pprof);
  return { body, pprof, isTwice };
}

/** The protobuf bytes of a profile: see `openBody`. */
export function openProfile(body: Uint8Array, maxBytes: number): Uint8Array {
  return openBody(body, maxBytes).pprof;
}
