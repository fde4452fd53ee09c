import type { ProfileLimits } from './limits.ts';
import type { SampleType } from './sample-type.ts';

/** What a profile says of itself, besides its samples. */
export interface ProfileHeader {
  /** In the profile's order. */
  readonly sampleTypes: readonly SampleType[];
  /** Number of sample messages, duplicates and all-zero ones included. */
  readonly samples: number;
  /** Unix nanoseconds; 0 where the profile has none. */
  readonly timeNanos: bigint;
  /** 0 where the profile has none. */
  readonly durationNanos: bigint;
  readonly periodType: SampleType | undefined;
  readonly period: bigint;
}

export interface ValidateOptions {
  readonly limits?: ProfileLimits;
  /** True for a difference that the target made (`?seconds=` on heap …): its values may be negative. */
  readonly allowNegative?: boolean;
}

/**
 * Reads the whole of an uncompressed pprof profile and refuses it with a ProfileError (which names field, index or id, and
 * byte offset) if anything in it is malformed, from the protobuf level to the last reference.
 */
export function validateProfile(_pprof: Uint8Array, _options: ValidateOptions = {}): ProfileHeader {
  throw new Error('not built yet');
}
