import { DEFAULT_BODY_BYTES, type ProfileLimits, profileLimits } from './limits.ts';
import { ProfileIndex } from './profile-index.ts';
import { SampleReader } from './sample-reader.ts';
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
  /** Strings that are not UTF-8. */
  readonly notUtf8: number;
}

export interface ValidateOptions {
  /** Those of the default limit on bytes, or of the profile's own size where that is larger, unless given. */
  readonly limits?: ProfileLimits;
}

const index = new ProfileIndex();
const reader = new SampleReader(index);

/**
 * Reads the whole of an uncompressed pprof profile and refuses it with a ProfileError (which names field, index or id, and
 * byte offset) if anything in it is malformed, from the protobuf level to the last reference. A negative value is not: Go
 * writes them in the difference of two snapshots (`?seconds=`), and its reader takes them.
 */
export function validateProfile(pprof: Uint8Array, options: ValidateOptions = {}): ProfileHeader {
  return forEachSample(pprof, options, () => undefined);
}

/** Validates a profile and shows the values of each sample, low and high half of each. They are good during the call only. */
export function forEachSample(
  pprof: Uint8Array,
  options: ValidateOptions,
  visit: (values: Int32Array) => void,
): ProfileHeader {
  try {
    index.fill(pprof, options.limits ?? profileLimits(Math.max(DEFAULT_BODY_BYTES, pprof.length)));
    const locations = new Int32Array((index.locations.length + 1) * 2);
    reader.start({ locations, seedA: 0, seedB: 0 });
    const { sampleCount, sampleTypes } = index;
    const values = new Int32Array(sampleTypes.length * 2);
    for (let sample = 0; sample < sampleCount; sample++) {
      reader.read(sample, values, 0);
      visit(values);
    }
    return headerOf(index);
  } finally {
    index.release();
  }
}

export function headerOf(index: ProfileIndex): ProfileHeader {
  const { sampleTypes, sampleCount, timeNanos, durationNanos, periodType, period, strings } = index;
  const { notUtf8 } = strings;
  return { sampleTypes, samples: sampleCount, timeNanos, durationNanos, periodType, period, notUtf8 };
}
