import type { ProfileKind } from '../profile/profile-kind.ts';
import type { SampleType } from '../profile/sample-type.ts';

/** What the delta stage makes of one scraped profile. */
export type DeltaOutcome = DeltaProfile | DeltaHeld;

/** A profile to pass on. It may hold no samples (`samples` 0): nothing happened in the interval. */
export interface DeltaProfile {
  readonly kind: 'profile';
  /** What its values stand for. */
  readonly profileKind: ProfileKind;
  /** Gzip'd pprof. */
  readonly body: Uint8Array;
  /** Unix nanoseconds. */
  readonly fromNanos: bigint;
  readonly untilNanos: bigint;
  readonly sampleTypes: readonly SampleType[];
  readonly samples: number;
  readonly isReset: boolean;
  readonly isPartial: boolean;
  /** Samples whose cumulative value fell without a reset and was set to 0. */
  readonly clamped: number;
  readonly warnings: readonly string[];
}

/** Nothing to pass on this time, and that is no fault. */
export interface DeltaHeld {
  readonly kind: 'held';
  readonly reason:
    | 'baseline' // first snapshot of a cumulative profile
    | 'discarded' // first response of a target that subtracts from its last answer: its start is unknown
    | 'stale' // the same response as before: a cache in between
    | 'types-changed' // other sample types or period type than before: a new baseline
    | 'alternating' // several processes behind one address take turns
    | 'reset-skipped' // `on-counter-reset: skip`
    | 'nothing-listed'; // the profile has none of the sample types that the user listed
  readonly warnings: readonly string[];
}
