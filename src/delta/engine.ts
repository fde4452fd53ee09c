import type { ProfileLimits } from '../profile/limits.ts';
import type { SampleType } from '../profile/sample-type.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';
import type { DeltaState } from './delta-state.ts';

/**
 * What becomes of one value column: `subtract` the previous snapshot's value (cumulative), `keep` the current value, or
 * `drop` the column from the output.
 */
export type ColumnUse = 'subtract' | 'keep' | 'drop';

/** What to do with a profile, decided when its header is known. */
export interface DeltaPlan {
  /** One for each sample type, in the profile's order. */
  readonly columns: readonly ColumnUse[];
  /** Written into the output; 0n leaves the field out. */
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
}

export interface DeltaRequest {
  /** Uncompressed pprof. */
  readonly profile: Uint8Array;
  /** What the previous call for this target returned; undefined at first. Never changed by the call. */
  readonly state: DeltaState | undefined;
  readonly plan: (header: ProfileHeader) => DeltaPlan;
  readonly limits?: ProfileLimits;
}

export type DeltaResult = DeltaMade | DeltaStarted;

/** The first snapshot, or one with other columns or another period type than the state: nothing to subtract from. */
export interface DeltaStarted {
  readonly kind: 'baseline' | 'types-changed';
  readonly header: ProfileHeader;
  readonly state: DeltaState;
}

export interface DeltaMade {
  readonly kind: 'delta';
  readonly header: ProfileHeader;
  /** Uncompressed pprof. */
  readonly profile: Uint8Array;
  /** Of the output: dropped columns are not in it. */
  readonly sampleTypes: readonly SampleType[];
  /** Samples in the output; 0 if nothing happened. */
  readonly samples: number;
  /** The counters started again: the output holds the full values of the new process. */
  readonly isReset: boolean;
  /** Samples with a cumulative value that fell without a reset and was set to 0. */
  readonly clamped: number;
  readonly state: DeltaState;
}

/**
 * One step: the difference between the profile and the snapshot before it, and the state for the next step. Throws
 * ProfileError if the profile is malformed or its duplicate samples add up to more than an int64; the state passed in is
 * good for the next call then.
 */
export function computeDelta(_request: DeltaRequest): DeltaResult {
  throw new Error('not built yet');
}

export interface RewriteRequest {
  /** Uncompressed pprof; values may be negative (a difference that the target made) and are then written as 0. */
  readonly profile: Uint8Array;
  /** `subtract` means `keep` here. */
  readonly plan: (header: ProfileHeader) => DeltaPlan;
  readonly limits?: ProfileLimits;
}

export interface RewrittenProfile {
  readonly header: ProfileHeader;
  readonly profile: Uint8Array;
  readonly sampleTypes: readonly SampleType[];
  readonly samples: number;
  /** Samples with a negative value. */
  readonly clamped: number;
}

/** The profile without the dropped columns, its duplicate samples summed and its all-zero samples left out. */
export function rewriteProfile(_request: RewriteRequest): RewrittenProfile {
  throw new Error('not built yet');
}
