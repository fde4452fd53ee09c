import type { LabelSet } from '../labels/label-set.ts';

/**
 * FNV-1a, 64 bits, kept as two 32-bit halves: a `bigint` for each of millions of bytes would take seconds.
 * https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export interface Fnv1a {
  readonly high: number;
  readonly low: number;
}

export const FNV_OFFSET: Fnv1a = { high: 0xcbf29ce4, low: 0x84222325 };

/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3;
const TWO_32 = 0x1_0000_0000;

/** The hash after the UTF-8 bytes of the texts. */
export function fnv1a(from: Fnv1a, ...texts: readonly string[]): Fnv1a {
  let { high, low } = from;
  for (const text of texts) {
    const bytes = isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
    for (let i = 0; i < bytes.length; i++) {
      low = (low ^ bytes.charCodeAt(i)) >>> 0;
      const product = low * PRIME_LOW;
      high = (Math.imul(high, PRIME_LOW) + Math.floor(product / TWO_32) + (low << 8)) >>> 0;
      low = product >>> 0;
    }
  }
  return { high, low };
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const hexBytes = Buffer.alloc(8);

/** Through bytes, which takes a third of the time of `toString(16)` and padding. */
export function toHex({ high, low }: Fnv1a): string {
  hexBytes.writeUInt32BE(high, 0);
  hexBytes.writeUInt32BE(low, 4);
  return hexBytes.toString('hex');
}

/** The part of a target's key that all profiles of one instance share: each label as name, NUL, value, NUL. */
export function hashLabels(sortedLabels: LabelSet): Fnv1a {
  let hash = FNV_OFFSET;
  for (const [name, value] of sortedLabels) hash = fnv1a(hash, name, '\0', value, '\0');
  return hash;
}

/**
 * Milliseconds from now to the target's slot: scrapes start at times t with t mod interval = key mod interval, so a
 * restart keeps the phase. This is the slot rule of Prometheus.
 */
export function slotDelayMs(key: string, intervalMs: number, nowMs: number): number {
  const phase = Number(BigInt(`0x${key}`) % BigInt(Math.round(intervalMs)));
  return (phase - (nowMs % intervalMs) + intervalMs) % intervalMs;
}
