import { ProfileError, ScrapeError } from '../errors.ts';
import { headerOf, type ResponseHeaders } from '../http/response.ts';
import { openInEngine } from '../profile/engine-profile.ts';
import { refuseForeign } from '../profile/foreign-body.ts';
import { bodyTooLarge, claimedBytes, gunzip, gunzipOffThread, isGzip } from '../profile/gunzip.ts';
import { ProfileBody } from '../profile/profile-body.ts';

/** Larger ones are inflated on another thread before the engine gets them: these would take it some 20 ms at once. */
const ENGINE_BYTES = 8 * 1024 * 1024;
/**
 * From this inflated size on, what the engine does not take is inflated on another thread. One of 1 MiB would hold up the
 * event loop for about 4 ms; for smaller ones the hop costs more than it gives (300 us of CPU, with 20 kB twice the work).
 */
const OFF_THREAD_BYTES = 1024 * 1024;
/** Profiles shrink to a half or a fifth. What claims to be far more is judged by its size as received. */
const LIKELY_RATIO = 100;

/**
 * What a response with status 200 brought, judged by its bytes: servers name all sorts of content types, and a profile
 * that is a gzip file by itself may or may not be labelled so. A Content-Encoding is undone first, then gzip once.
 * Rejects with ScrapeError: `EMPTY_BODY`, `NOT_A_PROFILE`, `GZIP_TRUNCATED`, `GZIP_CORRUPT`, `GZIP_TRAILING_BYTES`,
 * `GZIP_TWICE`, `CONTENT_ENCODING`, or `BODY_TOO_LARGE` for more than `maxBytes`, before or after inflating. Whether the
 * protobuf is whole and valid is for its reader to say.
 */
export async function checkBody(
  received: Uint8Array,
  headers: ResponseHeaders,
  maxBytes: number,
): Promise<ProfileBody> {
  try {
    if (received.length > maxBytes) throw bodyTooLarge(maxBytes);
    const body = isGzip(received)
      ? await openGzip(received, headers, maxBytes)
      : openPlain(received, headers, maxBytes);
    // What the engine has opened is pprof: of its locations and samples the next room has to say whether they are good.
    if (body.inflated === undefined) return body;
    refuseForeign(body.pprof);
    return body;
  } catch (error) {
    throw error instanceof ProfileError ? asScrapeError(error, headers) : error;
  }
}

async function openGzip(received: Uint8Array, headers: ResponseHeaders, maxBytes: number): Promise<ProfileBody> {
  const body = new ProfileBody(received, maxBytes);
  if (Math.max(received.length, claimedBytes(received)) < ENGINE_BYTES && openInEngine(body, body.limits)) return body;
  const inner = await inflate(received, maxBytes);
  // With one layer it is of no account whether that was the file's or the transport's: either way this is a .gz file.
  if (!isGzip(inner)) return new ProfileBody(received, maxBytes, inner);
  const twice = new ProfileBody(inner, maxBytes, await inflate(inner, maxBytes));
  twice.isTwice = !isGzipCoding(codingOf(headers));
  return twice;
}

/** A proxy may compress without being asked. Such bytes could pass for a protobuf, so here the header is believed. */
function openPlain(received: Uint8Array, headers: ResponseHeaders, maxBytes: number): ProfileBody {
  const coding = codingOf(headers);
  if (coding !== '' && coding !== 'identity' && !isGzipCoding(coding)) {
    throw new ProfileError('CONTENT_ENCODING', `body has the Content-Encoding ${coding}, which was not asked for`, {
      hint: 'make the server or the proxy in front of it send pprof paths uncompressed',
    });
  }
  return new ProfileBody(received, maxBytes, received);
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  return likelyBytes(bytes) < OFF_THREAD_BYTES ? gunzip(bytes, maxBytes) : gunzipOffThread(bytes, maxBytes);
}

/** What it inflates to; at least its own size. */
function likelyBytes(bytes: Uint8Array): number {
  return Math.max(bytes.length, Math.min(claimedBytes(bytes), bytes.length * LIKELY_RATIO));
}

function codingOf(headers: ResponseHeaders): string {
  return headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
}

function isGzipCoding(coding: string): boolean {
  return coding === 'gzip' || coding === 'x-gzip';
}

/** The same fault, with what the headers say about it. */
function asScrapeError(error: ProfileError, headers: ResponseHeaders): ScrapeError {
  const type = headerOf(headers, 'content-type')?.replace(/;.*/s, '').trim();
  const isUnclear = error.code === 'NOT_A_PROFILE' && error.message.startsWith('neither');
  const message = isUnclear && type ? `${error.message} (Content-Type ${type})` : error.message;
  return new ScrapeError(error.code, message, { hint: error.hint, cause: error });
}
