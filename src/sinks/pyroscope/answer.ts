import type { PushLimits, RemoteWriteConfig } from '../../config/scrape-config.ts';
import { type HttpResponse, headerOf } from '../../http/response.ts';
import { redactUrl, redactUrls } from '../../safe-text/redact-url.ts';
import type { EntryMeta } from '../queue/entry-meta.ts';
import type { Verdict } from '../queue/verdict.ts';

/** What is kept of a server's message. */
const MAX_MESSAGE_CHARS = 2048;
/** No server may send us away for longer. */
const MAX_RETRY_AFTER_MS = 3_600_000;
const ATTEMPTS_422 = 3;
const ATTEMPTS_OVER_BURST = 10;

/**
 * `/ingest` answers 422 to bad profiles and to trouble of the storage behind it alike. These words of its validation and
 * its parser say that it is the profile.
 */
const PROFILE_FAULT =
  /exceeds (?:the |maximum |limit)|label names; limit|too long|invalid label|duplicate label|at least one label|ingestion window|empty profile|malformed|decompress|unexpected EOF|illegal wireType|wire-format|invalid header|parsing IngestInput|unsupported client version/i;
/** Of the push API with status 429, and yet for good. */
const MESSAGE_TOO_LARGE = /message size \d+ is larger than configured max/;

/** What a server's answer means for the profile that was sent. */
export function verdictOf(
  response: Pick<HttpResponse, 'status' | 'statusText' | 'headers' | 'body'>,
  api: RemoteWriteConfig['api'],
  meta: EntryMeta,
  limits: PushLimits,
  nowMs: number,
): Verdict {
  const { status } = response;
  if (status >= 200 && status < 300) return { type: 'accepted' };
  const message = messageOf(response.body);
  const location = status >= 300 && status < 400 ? headerOf(response.headers, 'location') : undefined;
  const to = location === undefined ? '' : ` to ${redactUrl(location)}`;
  const answer = `HTTP ${status}${to}${message === '' ? ` ${response.statusText}`.trimEnd() : `: ${message}`}`;
  const retryAfterMs = parseRetryAfter(headerOf(response.headers, 'retry-after'), nowMs);
  switch (status) {
    case 401:
    case 403:
    case 404:
      return { type: 'misconfigured', answer };
    case 422:
      if (api !== 'ingest' || PROFILE_FAULT.test(message)) return { type: 'rejected', answer };
      return { type: 'doubtful', answer, maxAttempts: ATTEMPTS_422, retryAfterMs };
    case 429:
      if (MESSAGE_TOO_LARGE.test(message)) return { type: 'rejected', answer };
      if (limits.burstBytes > 0 && meta.pprofBytes > limits.burstBytes) {
        return { type: 'doubtful', answer, maxAttempts: ATTEMPTS_OVER_BURST, retryAfterMs };
      }
      return { type: 'unavailable', answer, retryAfterMs };
    case 408:
    case 499:
      return { type: 'unavailable', answer, retryAfterMs };
    case 501:
      return { type: 'rejected', answer };
    default:
      return status >= 500 ? { type: 'unavailable', answer, retryAfterMs } : { type: 'rejected', answer };
  }
}

/** The text of a Connect error, or the body as it is; one line, capped. */
function messageOf(body: Uint8Array): string {
  const text = Buffer.from(body.subarray(0, 4 * MAX_MESSAGE_CHARS)).toString('utf8');
  return redactUrls(connectMessage(text) ?? text)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_MESSAGE_CHARS);
}

function connectMessage(text: string): string | undefined {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null || !('message' in read)) return undefined;
    return typeof read.message === 'string' ? read.message : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), as milliseconds from now. */
function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
