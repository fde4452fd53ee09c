import { ValueError } from './value-error.ts';

const PREFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
const GRAMMAR = /^(?=\.?\d)(\d{0,20})(?:\.(\d{0,20}))? ?(?:B|([KMGTPE])i?B)$|^(\d{1,20})$/i;

/**
 * Bytes of `1024`, `10MB`, `1.5 GiB`: every unit counts in 1024s, with or without the `i`, as in Prometheus. A fraction of a
 * byte is dropped. Exact, hence a bigint. Throws a `ValueError`.
 */
export function parseByteSize(text: string): bigint {
  const match = GRAMMAR.exec(text);
  if (!match) {
    throw new ValueError(`${JSON.stringify(text.slice(0, 100))} is not a size in bytes`, hintFor(text));
  }
  const [, whole = '', fraction = '', prefix = '', plain] = match;
  if (plain !== undefined) return BigInt(plain);
  const unit = 1024n ** BigInt(PREFIXES.indexOf(prefix.toUpperCase()));
  return BigInt(whole) * unit + (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
}

function hintFor(text: string): string {
  const withoutB = /^(\d[\d.]*) ?([KMGTPE]i?)$/i.exec(text);
  if (withoutB) return `write ${withoutB[1]}${withoutB[2]}B`;
  if (/^[+-]/.test(text)) return 'write it without a sign';
  return 'write a number of bytes, or a number and a unit: 64MB, 1.5GiB, 512KB';
}
