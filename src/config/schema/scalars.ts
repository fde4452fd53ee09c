import * as z from 'zod/mini';
import { parseByteSize } from '../byte-size.ts';
import { describeNode, quote, TreeList, TreeMap, TreeScalar } from '../document/tree.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { nearestWord } from '../nearest-word.ts';
import { ValueError } from '../value-error.ts';
import { refuse } from './fault.ts';

/**
 * A schema for one scalar of the tree: gives a value, or says what should be written instead. `read` throws a `ValueError`
 * for what it doesn't take.
 */
export function scalar<T>(expected: string, read: (scalar: TreeScalar) => T) {
  return z.transform((input: unknown, context): T => {
    if (!(input instanceof TreeScalar)) return refuse(context, `must be ${expected}${butIs(input)}`);
    try {
      return read(input);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return refuse(context, error.message, { hint: error.hint });
    }
  });
}

export function butIs(input: unknown): string {
  return input instanceof TreeList || input instanceof TreeMap ? `, not ${describeNode(input)}` : '';
}

/** Any scalar, as its source text: `010` stays `010`. An explicit null is the empty string. */
export function text() {
  return scalar('a text', textOf);
}

export function textOf(node: TreeScalar): string {
  if (node.style === 'json-number' || node.style === 'json-boolean') {
    throw new ValueError(
      `must be a string, not the ${node.style.slice('json-'.length)} ${node.text}`,
      `write "${node.text}"`,
    );
  }
  return node.isNull ? '' : node.text;
}

export function nonEmptyText() {
  return scalar('a text', (node) => {
    const value = textOf(node);
    if (value === '') throw new ValueError('must not be empty', 'give it a value or remove the key');
    return value;
  });
}

const TRUE_WORDS = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE']);
const FALSE_WORDS = new Set(['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE']);

/** With the words of YAML 1.1, as the Go libraries take them. */
export function boolean() {
  return scalar('true or false', (node) => {
    if (TRUE_WORDS.has(node.text)) return true;
    if (FALSE_WORDS.has(node.text)) return false;
    throw new ValueError(`must be true or false, not ${quote(node.text)}`);
  });
}

/** A whole number of any size. */
export function integer(bounds: { min: bigint; max: bigint }) {
  const range = `a whole number from ${bounds.min} to ${bounds.max}`;
  return scalar(range, (node) => {
    const value = /^[+-]?\d{1,30}$/.test(node.text) ? BigInt(node.text) : undefined;
    if (value !== undefined && value >= bounds.min && value <= bounds.max) return value;
    throw new ValueError(`${quote(node.text)} is not ${range}`);
  });
}

/** Milliseconds. A number without a unit is refused: Pyroscope's old server took it as nanoseconds. */
export function duration(minimumMs: number) {
  return scalar('a duration', (node) => {
    if (/^[1-9]\d*$/.test(node.text)) {
      throw new ValueError(
        `${quote(node.text)} has no unit`,
        `write ${node.text}s for seconds; the old Pyroscope server took a bare number as nanoseconds`,
      );
    }
    const value = parseDuration(node.text);
    if (value >= minimumMs) return value;
    const least = minimumMs < 1 ? 'more than 0' : `at least ${formatDuration(minimumMs)}`;
    throw new ValueError(`${quote(node.text)} is too short`, `it must be ${least}`);
  });
}

/** The least duration where all but 0 is legal. */
export const POSITIVE_MS = 1e-6;

/** Bytes, as a number: beyond 2^53 nobody needs the last byte. */
export function byteSize() {
  return scalar('a size in bytes', (node) => Number(parseByteSize(node.text)));
}

export function word<const W extends string>(words: readonly W[], options: { ignoresCase?: boolean } = {}) {
  return scalar(`one of ${words.join(', ')}`, (node) => {
    const written = options.ignoresCase ? node.text.toLowerCase() : node.text;
    const found = words.find((word) => (options.ignoresCase ? word.toLowerCase() : word) === written);
    if (found !== undefined) return found;
    const nearest = nearestWord(node.text, words);
    throw new ValueError(
      `${quote(node.text)} is not one of ${words.join(', ')}`,
      nearest && `did you mean ${nearest}?`,
    );
  });
}

/** An absolute URL with a host, in one of these schemes. */
export function url(schemes: readonly string[]) {
  return scalar('a URL', (node) => checkedUrl(textOf(node), schemes));
}

export function checkedUrl(written: string, schemes: readonly string[]): string {
  const shown = quote(written);
  const example = `as in ${schemes[0]}://host:port`;
  if (written === '') throw new ValueError('the URL is empty', example);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1];
  if (scheme === undefined) throw new ValueError(`${shown} has no scheme`, example);
  if (!schemes.includes(scheme.toLowerCase())) {
    throw new ValueError(`${shown}: scheme ${scheme} is not supported`, `use ${schemes.join(' or ')}`);
  }
  if (!URL.canParse(written) || new URL(written).hostname === '') {
    throw new ValueError(`${shown} is not a URL with a host`, example);
  }
  return written;
}
