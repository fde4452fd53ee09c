import { isDeltaEndpoint } from '../config/delta-endpoint.ts';
import type { ProfileConfig, SampleTypeConfig } from '../config/scrape-config.ts';
import {
  cumulativeNamesAt,
  hasForeignPeriod,
  isCumulativeName,
  isCumulativeType,
  isSnapshotType,
} from '../profile/go-columns.ts';
import type { ProfileKind } from '../profile/profile-kind.ts';
import type { SampleType } from '../profile/sample-type.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';
import type { Target } from '../targets/target.ts';
import type { ColumnUse } from './engine.ts';

// The one place that decides what is already a delta, what counts up, and what is a state of now. One round, the loop, the
// plan of a run and the command `delta` all ask here.

/** How a response is to be understood. */
export type Reading =
  /** Counts since the process started, in at least one column: two of them are subtracted. */
  | 'cumulative'
  /** A snapshot profile of Go asked for with `seconds`: the target took both snapshots itself. */
  | 'seconds-delta'
  /** Columns that would count up elsewhere, with a duration: the difference was made before it came here. */
  | 'own-interval'
  /** What happened since the target's last answer to anyone: godeltaprof, Node's allocations. */
  | 'since-last-answer'
  /** Measured while the request waited, or for a duration of its own: CPU, fgprof. */
  | 'measured'
  /** What there is now: goroutines, inuse. */
  | 'state';

/** A shorter duration is no measurement: pypprof writes 1 ns beside a state of its heap. */
const SHORTEST_MEASUREMENT_NANOS = 1_000_000n;

/** Decides by the URL in force, the config, and what the profile says of itself. */
export function readingOf(target: Target, header: ProfileHeader): Reading {
  const { profile, seconds } = target;
  if (isDeltaEndpoint(profile, target.pathAndQuery)) return 'since-last-answer';
  const { sampleTypes, durationNanos } = header;
  if (seconds !== undefined) {
    const countsUp = sampleTypes.some((type) => columnUseOf(profile, type, header) === 'subtract');
    if (!countsUp && !isGoSnapshot(header)) return 'measured';
    if (durationNanos > 0n) return 'seconds-delta';
    return countsUp ? 'cumulative' : 'state';
  }
  const kept = sampleTypes.filter((type) => columnUseOf(profile, type, header) !== 'drop');
  if (kept.some(({ type }) => profile.sampleTypes.get(type)?.isCumulative === true)) return 'cumulative';
  const undeclared = kept.filter(({ type }) => profile.sampleTypes.get(type)?.isCumulative === undefined);
  return readingOfColumns(undeclared, header);
}

/** The same for a file, of which nothing is known but what it says of itself. */
export function readingOfFile(header: ProfileHeader): Reading {
  return readingOfColumns(header.sampleTypes, header);
}

function readingOfColumns(sampleTypes: readonly SampleType[], header: ProfileHeader): Reading {
  const { durationNanos } = header;
  const named = sampleTypes.filter(isCumulativeType);
  if (named.length > 0) {
    if (durationNanos > 0n) return 'own-interval';
    return named.every((type) => hasForeignPeriod(header.periodType, type)) ? 'since-last-answer' : 'cumulative';
  }
  const isMeasured = durationNanos >= SHORTEST_MEASUREMENT_NANOS && !isGoSnapshot(header);
  return isMeasured ? 'measured' : 'state';
}

/** Whether all columns have names that Go's runtime gives to those of its snapshot profiles, and nobody else's period type. */
function isGoSnapshot(header: ProfileHeader): boolean {
  const { sampleTypes } = header;
  return (
    sampleTypes.length > 0 &&
    sampleTypes.every((type) => isSnapshotType(type) && !hasForeignPeriod(header.periodType, type))
  );
}

/** What the index says of a profile that was read like this. */
export function kindOf(reading: Reading, profile: ProfileConfig, header: ProfileHeader): ProfileKind {
  if (reading === 'measured') return 'window';
  if (reading !== 'state') return 'delta';
  return header.sampleTypes.some((type) => isKeptTotal(profile, type, header)) ? 'cumulative' : 'state';
}

/** A column that counts up in Go's own profile, which the user wants as it is: `cumulative: false`. */
function isKeptTotal(profile: ProfileConfig, type: SampleType, header: ProfileHeader): boolean {
  const isGos = isCumulativeType(type) && header.periodType !== undefined && !hasForeignPeriod(header.periodType, type);
  return isGos && header.durationNanos === 0n && columnUseOf(profile, type, header) === 'keep';
}

/**
 * What becomes of a column where snapshots are subtracted: `subtract` if it counts up, `drop` if the user does not want it.
 * What the user declares holds; otherwise Go's names decide.
 */
export function columnUseOf(profile: ProfileConfig, sampleType: SampleType, header: ProfileHeader): ColumnUse {
  const { type } = sampleType;
  if (profile.removedSampleTypes.has(type)) return 'drop';
  const listed = profile.sampleTypes.get(type);
  if (listed === undefined && profile.dropsUnlisted) return 'drop';
  const isCumulative =
    listed?.isCumulative ?? (isCumulativeType(sampleType) && !hasForeignPeriod(header.periodType, sampleType));
  return isCumulative ? 'subtract' : 'keep';
}

/** The same for a file that comes without a config. */
export function columnUseInFile(sampleType: SampleType, header: ProfileHeader): ColumnUse {
  return isCumulativeType(sampleType) && !hasForeignPeriod(header.periodType, sampleType) ? 'subtract' : 'keep';
}

/** Whether any sample type that the config lists is in the profile at all. A list of none asks for nothing. */
export function hasListedType(profile: ProfileConfig, header: ProfileHeader): boolean {
  return profile.sampleTypes.size === 0 || header.sampleTypes.some(({ type }) => profile.sampleTypes.has(type));
}

/**
 * Before there is a response: whether one of them is expected to say nothing without the one before it, because it counts
 * since the process started, or since an answer of which nobody knows when it was.
 */
export function expectsTwoSnapshots({ format, pathAndQuery, profile, seconds }: Target): boolean {
  if (format === 'text') return false;
  if (isDeltaEndpoint(profile, pathAndQuery)) return true;
  return seconds === undefined && expectedCumulative(profile, pathAndQuery).length > 0;
}

/** The columns that are expected to count up, by the config and the path of the request. */
export function expectedCumulative(profile: ProfileConfig, pathAndQuery: string): readonly string[] {
  const [path = ''] = pathAndQuery.split('?', 1);
  const names = new Set([...profile.sampleTypes.keys(), ...cumulativeNamesAt(path)]);
  return [...names].filter((type) => {
    if (profile.removedSampleTypes.has(type)) return false;
    const listed: SampleTypeConfig | undefined = profile.sampleTypes.get(type);
    if (listed === undefined && profile.dropsUnlisted) return false;
    return listed?.isCumulative ?? isCumulativeName(type);
  });
}
