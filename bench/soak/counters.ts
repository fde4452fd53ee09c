import type { SampleType } from '../../src/profile/sample-type.ts';
import { buildProfile, type FrameSpec, type MappingSpec, type SampleSpec } from '../../test/support/build-profile.ts';

/** The profiles that a target of the soak serves. */
export type SoakProfile = 'mem' | 'mutex' | 'goroutines' | 'cpu';

/** One answer of one target: which one is told by a comment inside, so that whatever came of it can be traced back. */
export interface Snapshot {
  readonly target: number;
  readonly profile: SoakProfile;
  /** Counts the starts of the target's process. */
  readonly epoch: number;
  /** Counts the answers of this process, from 1; 0 is its start, when all counters are 0. */
  readonly number: number;
}

/** A function of this name counts the answers in the first column, so that a delta tells where it starts. */
export const SEQUENCE = 'soak.sequence';

const COLUMNS: Readonly<Record<SoakProfile, readonly (readonly [type: string, unit: string])[]>> = {
  mem: [
    ['alloc_objects', 'count'],
    ['alloc_space', 'bytes'],
    ['inuse_objects', 'count'],
    ['inuse_space', 'bytes'],
  ],
  mutex: [
    ['contentions', 'count'],
    ['delay', 'nanoseconds'],
  ],
  goroutines: [['goroutine', 'count']],
  cpu: [
    ['samples', 'count'],
    ['cpu', 'nanoseconds'],
  ],
};

/** The period types that Go writes beside these columns: they tell its counters from those of other runtimes. */
const PERIOD_TYPES: Readonly<Record<SoakProfile, SampleType>> = {
  mem: { type: 'space', unit: 'bytes' },
  mutex: { type: 'contentions', unit: 'count' },
  goroutines: { type: 'goroutine', unit: 'count' },
  cpu: { type: 'cpu', unit: 'nanoseconds' },
};

/** Which columns count since the process began. */
export const CUMULATIVE: Readonly<Record<SoakProfile, readonly boolean[]>> = {
  mem: [true, true, false, false],
  mutex: [true, true],
  goroutines: [false],
  cpu: [false, false],
};

const STEPS = [1, 1, 1, 2, 5, 20];

/**
 * What the target's counters are at an answer, by function. Computed from its number alone, so that nobody has to keep a
 * record. One of them soon passes 2^53; some stand still for many answers, some appear late.
 */
export function countersOf({ target, profile, number }: Snapshot): Map<string, readonly bigint[]> {
  const counters = new Map<string, readonly bigint[]>();
  if (number === 0) return counters;
  const stacks = 30 + (target % 7) * 15;
  for (let stack = 0; stack < stacks; stack++) {
    const size = 16n << BigInt(stack % 12);
    const first = stack % 9 === 8 ? stack * 3 : 0;
    const steps = BigInt(Math.floor(Math.max(0, number - first) / (STEPS[stack % STEPS.length] ?? 1)));
    if (stack > 0 && steps === 0n) continue;
    const name = stack === 0 ? SEQUENCE : `soak.work${stack}`;
    const count = stack === 0 ? BigInt(number) : steps * (stack === 3 ? 2n ** 48n + 1n : BigInt(1 + stack * 37));
    const live = stack === 0 ? BigInt(number) : BigInt((number * 31 + stack * 17) % 100);
    // A state of now has no samples of nothing.
    if (profile === 'mem') counters.set(name, [count, stack === 3 ? count : count * size, live, live * size]);
    else if (profile === 'mutex') counters.set(name, [count, stack === 3 ? count * 3n : count * 977n]);
    else if (profile === 'cpu' && live > 0n) counters.set(name, [live, live * 10_000_000n]);
    else if (live > 0n) counters.set(name, [live]);
  }
  return counters;
}

export interface ProfileMoment {
  readonly timeNanos: bigint;
  readonly durationNanos?: bigint;
  /** Another address of the program in each epoch, as of a PIE. */
  readonly isMoved: boolean;
}

/** The uncompressed pprof of an answer. */
export function profileOf(snapshot: Snapshot, { timeNanos, durationNanos = 0n, isMoved }: ProfileMoment): Uint8Array {
  const { target, profile, epoch, number } = snapshot;
  const start = 0x400000n + (isMoved ? BigInt(epoch) * 0x1000000n : 0n);
  const mapping: MappingSpec = {
    start,
    limit: start + 0x800000n,
    filename: `/usr/bin/soak${target}`,
    hasFunctions: true,
  };
  const main: FrameSpec = {
    address: start + 0x10n,
    mapping,
    lines: [{ name: 'main.main', filename: 'main.go', line: 7n }],
  };
  const samples: SampleSpec[] = [];
  let at = 0;
  for (const [name, values] of countersOf(snapshot)) {
    at += 1;
    const address = start + 0x1000n + BigInt(at === 1 ? 0 : Number(/\d+$/.exec(name)?.[0] ?? 0)) * 0x100n;
    const leaf: FrameSpec = { address, mapping, lines: [{ name, filename: 'soak.go', line: 9n }] };
    samples.push({ stack: [leaf, main], values });
  }
  return buildProfile({
    sampleTypes: COLUMNS[profile].map(([type, unit]) => ({ type, unit })),
    periodType: PERIOD_TYPES[profile],
    period: 1n,
    mappings: [mapping],
    samples,
    timeNanos,
    durationNanos,
    comments: [`soak ${target} ${profile} ${epoch} ${number};`],
  });
}

/** Which answer a profile came of. */
export function snapshotOf(comments: readonly string[]): Snapshot | undefined {
  for (const comment of comments) {
    const [, target, profile, epoch, number] =
      /^soak (\d+) (mem|mutex|goroutines|cpu) (\d+) (\d+);$/.exec(comment) ?? [];
    if (profile === undefined || !isSoakProfile(profile)) continue;
    return { target: Number(target), profile, epoch: Number(epoch), number: Number(number) };
  }
  return undefined;
}

function isSoakProfile(name: string): name is SoakProfile {
  return name in COLUMNS;
}
