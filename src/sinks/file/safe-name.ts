import { createHash } from 'node:crypto';
import { replaceUnseen } from '../../safe-text/unseen.ts';

const MAX_BYTES = 100;
/** Of a SHA-256, so that what a name lost is still told apart. */
const HASH_DIGITS = 8;

/**
 * A label value as the name of a file or directory: letters, digits and `._@+=,-` stay, everything else becomes `_`. So
 * there is no separator, nothing that is not seen, and nothing that a shell, a URL or Windows reads in its own way; nor a
 * leading dot or dash, nor a name that means something to Windows (`NUL`) or to us. At most 100 bytes of UTF-8. Where
 * that lost anything the name ends in `-` and 8 hex digits of a hash of the value: different values get different names
 * but for a collision of the hash.
 */
export function safeName(value: string): string {
  return isHashed(value) || reduce(value) !== value || Buffer.byteLength(value) > MAX_BYTES ? hashed(value) : value;
}

/**
 * The same for an instance, whose usual form is `host:port`: that becomes `host_port` without a hash. A colon would make
 * `go tool pprof` and `scp` take a relative path for an address, and Windows for a stream.
 */
export function safeInstanceName(instance: string): string {
  const joined = instance.replace(/:(\d{1,5})$/, '_$1');
  if (joined !== instance) return safeName(joined) === joined ? joined : hashed(instance);
  return /_\d{1,5}$/.test(instance) ? hashed(instance) : safeName(instance);
}

/** Ends the way we mark what lost something, so it must be marked itself. */
function isHashed(value: string): boolean {
  return /-[0-9a-f]{8}$/.test(value);
}

function hashed(value: string): string {
  // UTF-16, because UTF-8 would make all lone surrogates equal.
  const hash = createHash('sha256').update(value, 'utf16le').digest('hex').slice(0, HASH_DIGITS);
  return `${cut(reduce(value), MAX_BYTES - HASH_DIGITS - 1)}-${hash}`;
}

function reduce(value: string): string {
  const plain = replaceUnseen(value, () => '_')
    .replace(/[^\p{L}\p{M}\p{N}._@+=,-]/gu, '_')
    .replace(/^[.-]/, '_')
    .replace(/\.$/, '_');
  return plain === '' || RESERVED.test(plain) ? `_${plain}` : plain;
}

/** Windows's device names, also with an extension, and the index, which lies beside the directories of jobs. */
const RESERVED =
  /^(?:(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\..*)?|index\.ndjson)$/i;

/** As many whole characters as fit. */
function cut(text: string, maxBytes: number): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
