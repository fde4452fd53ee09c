import { constants, inflateSync } from 'node:zlib';
import { ProfileError } from '../errors.ts';
import { redactUrls } from '../safe-text/redact-url.ts';
import { isGzip } from './gunzip.ts';

/** Enough to tell text from protobuf, and no more than is read of a body of any size. */
const SNIFFED_BYTES = 512;
const PREVIEW_CHARACTERS = 50;

/**
 * Refuses inflated bytes that are recognisably something else than a protobuf: throws ProfileError `NOT_A_PROFILE` (for
 * what is gzip still `GZIP_TWICE`, for nothing at all `EMPTY_BODY`) that says what it is. What passes need not be a good
 * profile: only a parser can tell.
 */
export function refuseForeign(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ProfileError('EMPTY_BODY', 'empty body');
  if (isGzip(bytes)) {
    throw new ProfileError('GZIP_TWICE', 'gzip three times over', {
      hint: 'something compresses what is compressed already: switch that off for the paths of profiles',
    });
  }
  const found = signature(bytes) ?? textKind(bytes) ?? impossibleTag(bytes);
  if (found) throw new ProfileError('NOT_A_PROFILE', found.what, { hint: found.hint });
}

/** The beginning of a text on one line, without control characters and without secrets of URLs, in quotes. */
export function preview(text: string, characters = PREVIEW_CHARACTERS): string {
  const line = redactUrls(text)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  const glyphs = [...line.slice(0, 2 * characters)];
  return `"${glyphs.slice(0, characters).join('')}${glyphs.length > characters ? '…' : ''}"`;
}

interface Finding {
  readonly what: string;
  readonly hint?: string;
}

const NO_DEBUG: Finding = {
  what: "profile in Go's text form, not protobuf",
  hint: 'remove the debug parameter',
};
const CONVERT =
  'convert it with `go tool pprof -proto`, which reads this form, or scrape an endpoint that serves protobuf';
const RECOMPRESS = 'send the profile as gzip, or uncompressed';

/** Formats that begin with bytes of their own, which no profile begins with. In Latin-1. */
const SIGNATURES: readonly (readonly [start: string, what: string, hint: string])[] = [
  ['--- symbol', 'profile of a Java agent in a legacy form, not protobuf', CONVERT],
  ['--- heapz ', 'heap profile of a Java agent in a legacy text form, not protobuf', CONVERT],
  ['--- contentionz ', 'contention profile in the text form of gperftools or a Java agent, not protobuf', CONVERT],
  ['--- threadz ', 'list of threads in the text form of gperftools, not protobuf', CONVERT],
  ['heap_v2/', 'heap profile in the text form of jemalloc, not protobuf', CONVERT],
  ['FLR\0', 'JFR recording of a JVM, not a pprof profile', 'send JFR to Pyroscope with its Java agent'],
  ['JAVA PROFILE ', 'HPROF dump of a JVM, not a pprof profile', 'scrape an endpoint that serves pprof'],
  ['PERFILE2', 'recording of Linux perf (perf.data), not a pprof profile', 'convert it with `perf_to_profile`'],
  ['(\xb5/\xfd', 'zstd stream, not gzip', RECOMPRESS],
  ['BZh', 'bzip2 stream, not gzip', RECOMPRESS],
  ['\xfd7zXZ\0', 'xz stream, not gzip', RECOMPRESS],
  ['\x04"M\x18', 'lz4 stream, not gzip', RECOMPRESS],
  ['\xff\x06\0\0sNaPpY', 'snappy stream, not gzip', RECOMPRESS],
  ['\x1f\x9d', 'stream of compress (.Z), not gzip', RECOMPRESS],
  ['PK\x03\x04', 'ZIP archive, not a profile', 'each profile has its own path'],
  ['7z\xbc\xaf\x27\x1c', '7-Zip archive, not a profile', 'each profile has its own path'],
  ['\x7fELF', 'program file (ELF), not a profile', 'each profile has its own path'],
];

function signature(bytes: Uint8Array): Finding | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFFED_BYTES)).toString('latin1');
  if (/^go 1\.\d+ trace\0/.test(head))
    return { what: 'execution trace of Go, not a profile', hint: 'scrape another path' };
  const found = SIGNATURES.find(([start]) => head.startsWith(start));
  if (found !== undefined) return { what: found[1], hint: found[2] };
  if (head.startsWith('ustar', 257))
    return { what: 'tar archive, not a profile', hint: 'each profile has its own path' };
  if (isGperftools(bytes)) {
    return { what: 'CPU profile in the legacy form of gperftools, not protobuf', hint: CONVERT };
  }
  if (isZlib(bytes)) return { what: 'zlib stream, not gzip', hint: RECOMPRESS };
  return undefined;
}

/** Header words 0, 3, 0, period, 0 in either width and byte order. */
function isGperftools(bytes: Uint8Array): boolean {
  if (bytes.length < 24) return false;
  // Ordinary profiles begin with something else, and don't pay for the rest.
  if (bytes[0] !== 0) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return [true, false].some(
    (little) =>
      (view.getUint32(0, little) === 0 && view.getUint32(4, little) === 3 && view.getUint32(8, little) === 0) ||
      (view.getBigUint64(0, little) === 0n &&
        view.getBigUint64(8, little) === 3n &&
        view.getBigUint64(16, little) === 0n),
  );
}

/** 78 01 could also begin a profile (field 15, value 1), so that inflating has the last word. */
function isZlib(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  if (first !== 0x78 || (first * 256 + second) % 31 !== 0) return false;
  try {
    inflateSync(bytes.subarray(0, SNIFFED_BYTES), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 1024 * 1024,
    });
    return true;
  } catch {
    return false;
  }
}

function textKind(bytes: Uint8Array): Finding | undefined {
  const text = textOf(bytes) ?? pageOf(bytes);
  if (text === undefined) return undefined;
  const start = text.trimStart();
  if (start.startsWith('<')) return markup(start);
  if (start.startsWith('{') || start.startsWith('[')) return json(start);
  if (/^heap profile: .* @ (?:heapprofile|heap_v2|growthz)/.test(start))
    return { what: 'heap profile in the text form of gperftools, not protobuf', hint: CONVERT };
  if (/^[a-z]+ profile: |^--- \w+:|^goroutine \d+ \[/.test(start)) return NO_DEBUG;
  if (/^\S[^\n;]*;[^\n]* \d+\r?\n/.test(start))
    return {
      what: `folded stacks as text, not protobuf: ${preview(start)}`,
      hint: 'scrape an endpoint that serves pprof',
    };
  return { what: `text, not a profile: ${preview(start)}` };
}

function markup(start: string): Finding {
  if (/<svg[\s>]/i.test(start) && !/<html[\s>]/i.test(start)) {
    return {
      what: 'SVG image, not a profile',
      hint: 'that is a graph drawn of a profile: scrape the path of the profile itself',
    };
  }
  if (start.startsWith('<?xml')) return { what: `XML, not a profile: ${preview(start)}`, hint: WRONG_PAGE };
  const isIndex = start.includes('<title>/debug/pprof/</title>');
  return {
    what: `HTML page, not a profile: ${preview(start)}`,
    hint: isIndex ? "that is Go's list of profiles: put the name of one behind the path" : WRONG_PAGE,
  };
}

function json(start: string): Finding {
  if (start.startsWith('{"nodes":') || start.startsWith('{"head":') || start.startsWith('{"snapshot":')) {
    return { what: 'profile of V8 as JSON, not pprof', hint: 'serve it as pprof, as @pyroscope/nodejs does' };
  }
  return { what: `JSON, not a profile: ${preview(start)}`, hint: WRONG_PAGE };
}

const WRONG_PAGE = 'check port and path; a proxy or a login page may have answered';

/**
 * The beginning of the bytes, if it is UTF-8 without control characters. The first fields of a profile always hold some:
 * small lengths and small numbers are control characters.
 */
function textOf(bytes: Uint8Array): string | undefined {
  const head = bytes.subarray(0, SNIFFED_BYTES);
  for (const byte of head) {
    const isLayout = byte >= 0x09 && byte <= 0x0d;
    if ((byte < 0x20 && !isLayout) || byte === 0x7f) return undefined;
  }
  try {
    // `stream`: the cut may go through a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
  } catch {
    return undefined;
  }
}

/** A page in another encoding than UTF-8, or with a stray control character, is still a page: no tag begins with `<`. */
function pageOf(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFFED_BYTES)).toString('latin1');
  return /^\s*<(?:!doctype\s+html|html)\b/i.test(head) ? head : undefined;
}

/** Field number 0, groups, and the two wire types that don't exist. */
function impossibleTag(bytes: Uint8Array): Finding | undefined {
  const [first = 0] = bytes;
  const wireType = first & 7;
  if (first >= 8 && [0, 1, 2, 5].includes(wireType)) return undefined;
  const shown = Buffer.from(bytes.subarray(0, 8))
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
  return { what: `neither gzip nor a protobuf: the body starts with ${shown}`, hint: WRONG_PAGE };
}
