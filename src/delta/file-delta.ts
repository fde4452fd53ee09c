import { ProfileError } from '../errors.ts';
import { isCumulativeType } from '../profile/go-columns.ts';
import { isGzip } from '../profile/gunzip.ts';
import { DEFAULT_BODY_BYTES } from '../profile/limits.ts';
import { TWICE_WARNING } from '../profile/open-profile.ts';
import { ProfileBody } from '../profile/profile-body.ts';
import type { SampleType } from '../profile/sample-type.ts';
import { type ProfileHeader, validateProfile } from '../profile/validate-profile.ts';
import { compressProfile } from './compress-profile.ts';
import type { DeltaDeclined, DeltaPlan, DeltaStarted } from './engine.ts';
import { makeDelta } from './make-delta.ts';
import { columnUseInFile, readingOfFile } from './profile-kind.ts';

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
  /** Inflated size of each file; 64 MiB unless given. */
  readonly maxBytes?: number;
}

/**
 * What happened between two snapshots of one process, each gzip'd or plain. Columns are subtracted by Go's names for what
 * counts up, the others are those of `after`. Where nothing counts up the result is `after`, byte for byte. Throws a
 * ProfileError that begins with `before: ` or `after: `, also (ALREADY_DELTA) where one of them is a delta already.
 */
export function deltaFiles(before: Uint8Array, after: Uint8Array, options: FileDeltaOptions = {}): FileDelta {
  const maxBytes = options.maxBytes ?? DEFAULT_BODY_BYTES;
  const first = new ProfileBody(before, maxBytes);
  const started = named('before', () => start(first));
  first.shrink();
  if (started.kind === 'declined') return afterAsItIs(started.header, after, maxBytes);
  const timeBefore = started.header.timeNanos;
  const second = new ProfileBody(after, maxBytes);
  const subtract = ({ state }: DeltaStarted, namesDecide: boolean) =>
    named('after', () =>
      makeDelta({
        content: second,
        state,
        namesDecide,
        plan: (header) => {
          const plan = planOf(header);
          return plan && { ...plan, durationNanos: elapsed(timeBefore, header.timeNanos) };
        },
      }),
    );
  let made = subtract(started, false);
  if (made.kind === 'baseline') {
    // Only AFTER has one address for two functions, which names tell apart.
    const again = named('before', () => start(new ProfileBody(before, maxBytes), true));
    if (again.kind !== 'declined') made = subtract(again, true);
  }
  second.shrink();
  if (made.kind !== 'delta') throw typesDiffer(started.header, made.header);
  const untilNanos = made.header.timeNanos;
  return {
    body: isGzip(made.profile) ? made.profile : compressProfile(made.profile),
    sampleTypes: made.sampleTypes,
    samples: made.samples,
    fromNanos: untilNanos - elapsed(timeBefore, untilNanos),
    untilNanos,
    isReset: made.isReset,
    clamped: made.clamped,
    warnings: [
      ...bodyWarnings('BEFORE', first, started.header),
      ...bodyWarnings('AFTER', second, made.header),
      ...orderWarnings(started.header, made.header),
    ],
  };
}

/** The state that the delta starts from; `declined` where nothing counts up. */
function start(content: ProfileBody, namesDecide = false): DeltaStarted | DeltaDeclined {
  const started = makeDelta({ content, state: undefined, namesDecide, plan: planOf });
  if (started.kind === 'delta') throw new Error('a delta without a state before it');
  // Of what is not subtracted only the header has been looked at.
  if (started.kind === 'declined') validateProfile(content.pprof);
  return started;
}

/** Undefined where nothing counts up. Throws a ProfileError for a delta. */
function planOf(header: ProfileHeader): DeltaPlan | undefined {
  const reading = readingOfFile(header);
  if (reading === 'own-interval' || reading === 'since-last-answer') throw alreadyDelta(header);
  if (reading !== 'cumulative') return undefined;
  const columns = header.sampleTypes.map((type) => columnUseInFile(type, header));
  return { columns, timeNanos: header.timeNanos, durationNanos: 0n };
}

function afterAsItIs(before: ProfileHeader, after: Uint8Array, maxBytes: number): FileDelta {
  const { header } = named('after', () => start(new ProfileBody(after, maxBytes)));
  if (!haveSameTypes(before, header)) throw typesDiffer(before, header);
  const nothing = `none of ${typesText(header)} counts since the start of a process: the result is AFTER as it is`;
  return {
    body: after,
    sampleTypes: header.sampleTypes,
    samples: header.samples,
    fromNanos: header.timeNanos - elapsed(before.timeNanos, header.timeNanos),
    untilNanos: header.timeNanos,
    isReset: false,
    clamped: 0,
    warnings: [nothing, ...orderWarnings(before, header)],
  };
}

function haveSameTypes(a: ProfileHeader, b: ProfileHeader): boolean {
  const namesOf = ({ sampleTypes }: ProfileHeader) =>
    sampleTypes
      .map((type) => JSON.stringify([type.type, type.unit]))
      .sort()
      .join();
  return namesOf(a) === namesOf(b);
}

function typesDiffer(before: ProfileHeader, after: ProfileHeader): ProfileError {
  return new ProfileError('TYPES_DIFFER', 'after: other sample types than in the file before it', {
    hint: `before has ${typesText(before)}, after has ${typesText(after)}: these are not two snapshots of one profile`,
  });
}

function alreadyDelta(header: ProfileHeader): ProfileError {
  const { durationNanos, periodType, sampleTypes } = header;
  const columns = typesText({ sampleTypes: sampleTypes.filter(isCumulativeType) });
  const evidence =
    durationNanos > 0n
      ? `it has a duration of ${Number(durationNanos / 1_000_000n) / 1000} s beside ${columns}`
      : `its period type is ${typesText({ sampleTypes: periodType ? [periodType] : [] })}, so that ${columns} count from the answer before it on`;
  return new ProfileError('ALREADY_DELTA', `it is a delta already: ${evidence}`, {
    hint: 'a delta needs two snapshots of one process; to compare two deltas: go tool pprof -diff_base BEFORE AFTER',
  });
}

/** 0 where a time is missing or the clock went back. */
function elapsed(before: bigint, after: bigint): bigint {
  return before > 0n && after > before ? after - before : 0n;
}

function bodyWarnings(which: string, { isTwice }: ProfileBody, { notUtf8 }: ProfileHeader): string[] {
  const warnings: string[] = [];
  if (isTwice) warnings.push(`${which} ${TWICE_WARNING}`);
  if (notUtf8 > 0)
    warnings.push(`${which} has ${notUtf8} strings that are not UTF-8: their bytes are kept as they are`);
  return warnings;
}

function orderWarnings(before: ProfileHeader, after: ProfileHeader): string[] {
  const isSwapped = before.timeNanos > 0n && after.timeNanos > 0n && after.timeNanos < before.timeNanos;
  return isSwapped ? ['AFTER was taken before BEFORE by their own clocks: are the two files the right way round?'] : [];
}

function typesText({ sampleTypes }: Pick<ProfileHeader, 'sampleTypes'>): string {
  return sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ') || 'no sample types';
}

function named<Result>(which: 'before' | 'after', make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new ProfileError(error.code, `${which}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
