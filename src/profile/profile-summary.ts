import type { ProfileHeader, ValidateOptions } from './validate-profile.ts';

/** The header of a profile and what its columns add up to. */
export interface ProfileSummary extends ProfileHeader {
  /** One for each sample type, in the same order; exact. */
  readonly totals: readonly bigint[];
}

/** For reports: validates an uncompressed pprof profile and adds up its columns. Throws ProfileError. */
export function readProfileSummary(_pprof: Uint8Array, _options: ValidateOptions = {}): ProfileSummary {
  throw new Error('not built yet');
}
