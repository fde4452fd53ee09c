import { ProfileError, ScrapeError } from '../errors.ts';
import { headerOf, type ResponseHeaders } from '../http/response.ts';
import { preview } from '../profile/foreign-body.ts';
import { bodyTooLarge, gunzip, gunzipOffThread, isGzip } from '../profile/gunzip.ts';
import { ProfileBody } from '../profile/profile-body.ts';

/** Enough to tell text from a profile. */
const SNIFFED_BYTES = 4096;
/** Larger ones are inflated on another thread. */
const OFF_THREAD_BYTES = 256 * 1024;

/**
 * A text dump that a response with status 200 brought: whatever is no pprof, no other binary and no HTML page. Its
 * `pprof` is the text. Rejects with ScrapeError: `EMPTY_BODY`, `NOT_TEXT`, `CONTENT_ENCODING`, the codes of `gunzip`, or
 * `BODY_TOO_LARGE` for more than `maxBytes`, before or after inflating.
 */
export async function checkText(
  received: Uint8Array,
  headers: ResponseHeaders,
  maxBytes: number,
): Promise<ProfileBody> {
  try {
    if (received.length > maxBytes) throw bodyTooLarge(maxBytes);
    if (!isGzip(received)) refuseCoding(headers);
    const text = isGzip(received) ? await inflate(received, maxBytes) : received;
    refuseOthers(text);
    return new ProfileBody(received, maxBytes, text);
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new ScrapeError(error.code, error.message, { hint: error.hint, cause: error });
  }
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  return bytes.length < OFF_THREAD_BYTES ? gunzip(bytes, maxBytes) : gunzipOffThread(bytes, maxBytes);
}

function refuseCoding(headers: ResponseHeaders): void {
  const coding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  if (['', 'identity', 'gzip', 'x-gzip'].includes(coding)) return;
  throw new ProfileError('CONTENT_ENCODING', `body has the Content-Encoding ${coding}, which was not asked for`, {
    hint: 'make the server or the proxy in front of it send pprof paths uncompressed',
  });
}

const ESCAPE = 0x1b;

/** Whether bytes hold control characters that no text has: of those below the space only layout, and a terminal's escape. */
function isBinary(head: Uint8Array): boolean {
  return head.some((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== ESCAPE);
}

function refuseOthers(text: Uint8Array): void {
  if (text.length === 0) throw new ProfileError('EMPTY_BODY', 'empty body');
  const head = Buffer.from(text.buffer, text.byteOffset, Math.min(text.length, SNIFFED_BYTES));
  if (isGzip(text) || isBinary(head)) {
    throw new ProfileError('NOT_TEXT', 'the answer is binary, and a text dump was asked for', {
      hint: 'remove format: text, or add the parameter with which the target answers in text: params: {debug: ["2"]}',
    });
  }
  const start = head.toString('latin1', 0, 200).trimStart();
  if (/^<(?:!doctype\s+html|html)\b/i.test(start)) {
    throw new ProfileError('NOT_TEXT', `HTML page, not a text dump: ${preview(start)}`, {
      hint: 'check port and path; a proxy or a login page may have answered',
    });
  }
}
