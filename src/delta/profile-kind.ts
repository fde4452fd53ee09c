import type { ProfileConfig } from '../config/scrape-config.ts';
import type { SampleType } from '../profile/sample-type.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';
import type { Target } from '../targets/target.ts';
import type { ColumnUse } from './engine.ts';

/** How the response of a target is to be understood. */
export type ProfileKind =
  /** Measured while the request waited: CPU, fgprof. Speaks for its own interval. */
  | 'measured'
  /** Cumulative columns asked for with `seconds`: the target subtracted itself. */
  | 'ready-delta'
  /** godeltaprof: the target subtracted from its last response to anyone. */
  | 'delta-endpoint'
  /** Counts since the process started, in at least one column. */
  | 'cumulative'
  /** A state of now: goroutines, inuse. */
  | 'instantaneous';

export function profileKindOf({ profile, seconds }: Target): ProfileKind {
  const countsUp = [...profile.sampleTypes.values()].some((sampleType) => sampleType.isCumulative);
  if (seconds !== undefined) return countsUp ? 'ready-delta' : 'measured';
  if (profile.isDeltaEndpoint) return 'delta-endpoint';
  return countsUp ? 'cumulative' : 'instantaneous';
}

/** What the config says of a column: `subtract` where it counts up, `drop` where the user does not want it. */
export function columnUseOf(profile: ProfileConfig, { type }: SampleType): ColumnUse {
  if (profile.removedSampleTypes.has(type)) return 'drop';
  const listed = profile.sampleTypes.get(type);
  if (listed === undefined) return profile.dropsUnlisted ? 'drop' : 'keep';
  return listed.isCumulative ? 'subtract' : 'keep';
}

/** Whether any sample type that the config lists is in the profile at all. A list of none asks for nothing. */
export function hasListedType(profile: ProfileConfig, header: ProfileHeader): boolean {
  return profile.sampleTypes.size === 0 || header.sampleTypes.some(({ type }) => profile.sampleTypes.has(type));
}
