import { ValueError } from './value-error.ts';

const NANOS_PER_MS = 1_000_000n;

/** Largest first, as they are printed. A year is 365 days, as in Prometheus. */
const UNITS: readonly (readonly [unit: string, nanos: bigint])[] = [
  ['y', 365n * 86_400_000n * NANOS_PER_MS],
  ['w', 7n * 86_400_000n * NANOS_PER_MS],
  ['d', 86_400_000n * NANOS_PER_MS],
  ['h', 3_600_000n * NANOS_PER_MS],
  ['m', 60_000n * NANOS_PER_MS],
  ['s', 1_000n * NANOS_PER_MS],
  ['ms', NANOS_PER_MS],
  ['us', 1_000n],
  ['ns', 1n],
];

const NANOS_BY_UNIT: ReadonlyMap<string, bigint> = new Map([
  ...UNITS,
  ['µs', 1_000n], // U+00B5, micro sign
  ['μs', 1_000n], // U+03BC, Greek mu
]);

/** Go keeps a duration as signed 64-bit nanoseconds: about 292 years. */
const MAX_NANOS = 2n ** 63n - 1n;

/** Longer texts are refused unread: a fraction of a million digits is nobody's interval. */
const MAX_LENGTH = 100;

// Escaped, as one character beyond Latin-1 doubles what V8 keeps of the whole bundle.
const PART = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w|y)/gy;

/**
 * Milliseconds of a duration such as `10s`, `1m30s`, `1.5h` or `2w`. Takes both what Go's `time.ParseDuration` takes (which
 * read the intervals of Pyroscope's old server) and what Prometheus takes, without a sign. Computed exactly to the
 * nanosecond, so `1ns` is 0.000001. Throws a `ValueError`.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const nanos = text.length <= MAX_LENGTH ? sumOfParts(text) : undefined;
  if (nanos === undefined) throw new ValueError(`${quote(text)} is not a duration`, hintFor(text));
  if (nanos > MAX_NANOS) throw new ValueError(`"${text}" is out of range`, 'a duration is at most about 292 years');
  return Number(nanos / NANOS_PER_MS) + Number(nanos % NANOS_PER_MS) / Number(NANOS_PER_MS);
}

/** Undefined where the text is no sequence of numbers with units. */
function sumOfParts(text: string): bigint | undefined {
  let nanos = 0n;
  let end = 0;
  for (const [part, whole = '', fraction = '', unit = ''] of text.matchAll(PART)) {
    const perUnit = NANOS_BY_UNIT.get(unit);
    if (perUnit === undefined || whole + fraction === '') return undefined;
    nanos += BigInt(whole) * perUnit + (BigInt(fraction) * perUnit) / 10n ** BigInt(fraction.length);
    end += part.length;
  }
  return end > 0 && end === text.length ? nanos : undefined;
}

const EXAMPLES = 'write a number and a unit: 10s, 1m30s, 500ms';

function hintFor(text: string): string {
  if (/\$\{\w+/.test(text)) return 'use --expand-env to fill in what stands in ${ }';
  if (/^\d+(\.\d+)?$/.test(text)) return `the unit is missing: write ${text}s for seconds`;
  if (/^[+-]/.test(text)) return 'write it without a sign';
  if (/\s/.test(text) && isDuration(text.replace(/\s/g, '')))
    return `write it without spaces: ${text.replace(/\s/g, '')}`;
  if (isDuration(text.toLowerCase())) return `units are lower case: ${text.toLowerCase()}`;
  if (/\dmo/i.test(text)) return 'there is no unit for months: write days, as in 30d';
  return EXAMPLES;
}

function isDuration(text: string): boolean {
  return text.length <= MAX_LENGTH && sumOfParts(text) !== undefined;
}

function quote(text: string): string {
  return `"${text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text}"`;
}

/**
 * The form that Prometheus prints: `1h30m`, `1s500ms`, `0s`; years and weeks only where nothing else is left over, since
 * `90d` reads easier than `12w6d`. Below a millisecond (which Prometheus has not) `us` and `ns` follow.
 */
export function formatDuration(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const submillisecond = Math.round((milliseconds - whole) * Number(NANOS_PER_MS));
  let nanos = BigInt(whole) * NANOS_PER_MS + BigInt(submillisecond);
  let text = '';
  for (const [unit, perUnit] of UNITS) {
    const isWholeOnly = unit === 'y' || unit === 'w';
    if (nanos < perUnit || (isWholeOnly && nanos % perUnit !== 0n)) continue;
    text += `${nanos / perUnit}${unit}`;
    nanos %= perUnit;
  }
  return text === '' ? '0s' : text;
}
