import { ProfileError } from '../errors.ts';
import { isGzip } from '../profile/gunzip.ts';
import { ProfileBody } from '../profile/profile-body.ts';
import type { SampleType } from '../profile/sample-type.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';
import { compressProfile } from './compress-profile.ts';
import { isCumulativeType } from './cumulative-types.ts';
import type { ColumnUse, DeltaPlan } from './engine.ts';
import { makeDelta } from './make-delta.ts';

/** The delta of two profile files. */
export interface FileDelta {
  /** Gzip'd pprof. */
  readonly body: Uint8Array;
  readonly sampleTypes: readonly SampleType[];
  readonly samples: number;
  /** Unix nanoseconds; equal where the files don't tell. */
  readonly fromNanos: bigint;
  readonly untilNanos: bigint;
  readonly isReset: boolean;
  readonly clamped: number;
  readonly warnings: readonly string[];
}

export interface FileDeltaOptions {
  /** Inflated size of each file. */
  readonly maxBytes?: number;
}

/** A file that a person names is trusted with more than a response of a target. */
const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024;

/**
 * What happened between two snapshots of one process, each gzip'd or plain. Columns are subtracted by their names
 * (`isCumulativeType`), the others are those of `after`. Throws a ProfileError that begins with `before: ` or `after: `.
 */
export function deltaFiles(before: Uint8Array, after: Uint8Array, options: FileDeltaOptions = {}): FileDelta {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const started = named('before', () =>
    makeDelta({ content: new ProfileBody(before, maxBytes), state: undefined, plan: planOf }),
  );
  const timeBefore = started.header.timeNanos;
  const made = named('after', () =>
    makeDelta({
      content: new ProfileBody(after, maxBytes),
      state: started.state,
      plan: (header) => ({ ...planOf(header), durationNanos: elapsed(timeBefore, header.timeNanos) }),
    }),
  );
  if (made.kind !== 'delta') {
    throw new ProfileError('TYPES_DIFFER', `after: other sample types than in the file before it`, {
      hint: `before has ${typesText(started.header)}, after has ${typesText(made.header)}: these are not two snapshots of one profile`,
    });
  }
  const untilNanos = made.header.timeNanos;
  return {
    body: isGzip(made.profile) ? made.profile : compressProfile(made.profile),
    sampleTypes: made.sampleTypes,
    samples: made.samples,
    fromNanos: untilNanos - elapsed(timeBefore, untilNanos),
    untilNanos,
    isReset: made.isReset,
    clamped: made.clamped,
    warnings: warningsOf(started.header, made.header),
  };
}

function planOf(header: ProfileHeader): DeltaPlan {
  const columns = header.sampleTypes.map((type): ColumnUse => (isCumulativeType(type) ? 'subtract' : 'keep'));
  return { columns, timeNanos: header.timeNanos, durationNanos: 0n };
}

/** 0 where a time is missing or the clock went back. */
function elapsed(before: bigint, after: bigint): bigint {
  return before > 0n && after > before ? after - before : 0n;
}

function warningsOf(before: ProfileHeader, after: ProfileHeader): string[] {
  const warnings: string[] = [];
  if (!after.sampleTypes.some(isCumulativeType)) {
    warnings.push(`none of ${typesText(after)} counts since the start of a process: the result is AFTER as it is`);
  }
  if (before.timeNanos > 0n && after.timeNanos > 0n && after.timeNanos < before.timeNanos) {
    warnings.push('AFTER was taken before BEFORE by their own clocks: are the two files the right way round?');
  }
  return warnings;
}

function typesText(header: ProfileHeader): string {
  return header.sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ') || 'no sample types';
}

function named<Result>(which: 'before' | 'after', make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new ProfileError(error.code, `${which}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
