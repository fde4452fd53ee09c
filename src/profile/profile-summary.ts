import { int64 } from './profile-fault.ts';
import { forEachSample, type ProfileHeader, type ValidateOptions } from './validate-profile.ts';

/** The header of a profile and what its columns add up to. */
export interface ProfileSummary extends ProfileHeader {
  /** One for each sample type, in the same order; exact. */
  readonly totals: readonly bigint[];
}

/** For reports: validates an uncompressed pprof profile and adds up its columns. Throws ProfileError. */
export function readProfileSummary(pprof: Uint8Array, options: ValidateOptions = {}): ProfileSummary {
  const totals: bigint[] = [];
  const header = forEachSample(pprof, options, (values) => {
    for (let column = 0; column * 2 < values.length; column++) {
      totals[column] = (totals[column] ?? 0n) + int64(values[column * 2]!, values[column * 2 + 1]!);
    }
  });
  return { ...header, totals: header.sampleTypes.map((_, column) => totals[column] ?? 0n) };
}
