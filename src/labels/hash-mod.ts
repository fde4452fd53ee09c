import { createHash } from 'node:crypto';

export const MAX_MODULUS = 0xffff_ffff_ffff_ffffn;

/** What Prometheus's `hashmod` gives: the last eight bytes of the MD5 as an unsigned number, modulo `modulus` (1 to 2^64 - 1). */
export function hashMod(value: string, modulus: bigint): string {
  const digest = createHash('md5').update(value, 'utf8').digest();
  return (digest.readBigUInt64BE(8) % modulus).toString();
}
