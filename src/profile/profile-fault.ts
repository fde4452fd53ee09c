import { ProfileError } from '../errors.ts';
import type { ProfileLimits } from './limits.ts';

/** Something in the bytes that the pprof format doesn't allow, at this offset into the uncompressed profile. */
export function malformed(message: string, offset: number): ProfileError {
  return new ProfileError('PROFILE_MALFORMED', `malformed profile: ${message} (byte ${offset})`);
}

/** A profile larger than the limits that keep one target from using up the machine. */
export function overLimit(message: string): ProfileError {
  return new ProfileError('PROFILE_LIMIT', `profile too large: ${message}`, { hint: 'raise body-size-limit' });
}

/** Throws ProfileError where so many bytes are more than a profile may take of memory. */
export function refuseMemory(bytes: number, { maxMemoryBytes }: ProfileLimits): void {
  if (bytes <= maxMemoryBytes) return;
  const [needed, most] = [bytes, maxMemoryBytes].map((size) => `${Math.ceil(size / 2 ** 20)} MiB`);
  throw overLimit(`it needs ${needed} of memory, more than ${most}`);
}

/** An unsigned 64-bit number, for messages. */
export function uint64Text(lo: number, hi: number): string {
  return ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString();
}

/** A signed 64-bit number from its two halves. */
export function int64(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}
