import { tableBytes } from '../profile/count-entries.ts';
import { isCumulativeType } from '../profile/go-columns.ts';
import { DEFAULT_BODY_BYTES, type ProfileLimits, profileLimits } from '../profile/limits.ts';
import { refuseMemory } from '../profile/profile-fault.ts';
import { ProfileIndex } from '../profile/profile-index.ts';
import { SampleReader } from '../profile/sample-reader.ts';
import type { SampleType } from '../profile/sample-type.ts';
import { headerOf, type ProfileHeader } from '../profile/validate-profile.ts';
import { type ColumnLayout, type ColumnUse, columnLayout } from './column-layout.ts';
import { type HashSeed, PROCESS_SEED } from './content-hash.ts';
import { isCounterReset } from './counter-reset.ts';
import { type DeltaState, entrySize } from './delta-state.ts';
import { emitProfile } from './emit-profile.ts';
import { keepVanished, vanishedEntries } from './next-state.ts';
import { SampleKeys } from './sample-keys.ts';
import { Snapshot } from './snapshot.ts';
import { clampNegative, refuseNegative, restore, subtract } from './subtract.ts';

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
  /** May be called again where one engine gives up and the other does the work. */
  readonly plan: (header: ProfileHeader) => DeltaPlan;
  readonly limits?: ProfileLimits;
  /** Tell locations of one address apart by the names of their functions, also if this profile does not need it. */
  readonly namesDecide?: boolean;
}

/** The plan is undefined where the header shows that nothing is to be subtracted. */
export type Declinable<Request extends Pick<DeltaRequest, 'plan'>> = Omit<Request, 'plan'> & {
  readonly plan: (header: ProfileHeader) => DeltaPlan | undefined;
};

export type { ColumnUse };

export type DeltaResult = DeltaMade | DeltaStarted;

/** The plan was not to subtract. Only the header has been checked. */
export interface DeltaDeclined {
  readonly kind: 'declined';
  readonly header: ProfileHeader;
}

/** The first snapshot, or one with other columns or another period type than the state: nothing to subtract from. */
export interface DeltaStarted {
  readonly kind: 'baseline' | 'types-changed';
  readonly header: ProfileHeader;
  readonly state: DeltaState;
}

export interface DeltaMade {
  readonly kind: 'delta';
  readonly header: ProfileHeader;
  /** Pprof, uncompressed from `computeDelta`; what `makeDelta` gives may be gzip. */
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

export interface RewriteRequest {
  /**
   * Uncompressed pprof. Negative values of columns that only count up (in a difference that the target made) are written as
   * 0, those of others stay.
   */
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
  /** Samples with a value that was set to 0. */
  readonly clamped: number;
}

// One set of buffers for all targets: a profile is read, subtracted and written before the next one comes.
const index = new ProfileIndex();
const reader = new SampleReader(index);
const keys = new SampleKeys(index);
const snapshot = new Snapshot();

const NOBODY = new Int32Array(0);
/** Which sample an entry of the state before was matched with. */
const MATCH_BYTES = 4;
const NO_PATIENCE = new Uint8Array(0);

/**
 * One step: the difference between the profile and the snapshot before it, and the state for the next step. Throws
 * ProfileError if the profile is malformed or its duplicate samples add up to more than an int64; the state passed in is
 * good for the next call then.
 *
 * Identity of a sample is its stack and labels by content (see SampleKeys). Where a profile turns out to have one address for
 * two functions, a state without their names can't be compared with it: it is a new baseline. Duplicates are summed first; a cumulative value
 * that fell without a reset becomes 0; samples that are 0 in every column are left out; after a reset the full values are
 * the delta, since the new process made them within the interval.
 */
export function computeDelta(request: DeltaRequest): DeltaResult;
export function computeDelta(request: Declinable<DeltaRequest>): DeltaResult | DeltaDeclined;
export function computeDelta(request: Declinable<DeltaRequest>): DeltaResult | DeltaDeclined {
  const limits = request.limits ?? defaultLimits(request.profile);
  try {
    index.fill(request.profile, limits);
    const header = headerOf(index);
    const plan = request.plan(header);
    if (plan === undefined) return { kind: 'declined', header };
    const layout = columnLayout(header, plan.columns);
    const { order } = layout;
    const seed = request.state?.seed ?? PROCESS_SEED;
    // What was needed once is kept up: the next snapshot may lack one of the two functions.
    const namesDecide = keys.start(seed, request.namesDecide || doNamesDecide(request.state));
    const shape = namesDecide ? layout.shape + BY_NAMES : layout.shape;
    const before = request.state?.shape === shape ? request.state : undefined;

    const memory = memoryOf(before, order.length);
    refuseMemory(memory, limits);
    takeSamples(before, seed, entrySize(order.length), (more) => refuseMemory(memory + more, limits));
    snapshot.endReading();
    refuseNegative(snapshot, order, header.sampleTypes);
    const mainMapping = keys.hashMainMapping();
    const vanished =
      before === undefined ? NOBODY : vanishedEntries(before, snapshot, mostVanished(memory, order.length, limits));
    const samples = snapshot.count;
    const size = entrySize(order.length);
    const entries = snapshot.takeEntries(samples + vanished.length);
    const subtraction = subtract(snapshot, before, order, entries);
    const { totals, clamped } = subtraction;
    const frame = { seed, shape, columns: layout.names, totals, mainMapping, samples };
    if (before === undefined) {
      const state = stateOf(frame, entries, NO_PATIENCE);
      const isStart = request.state === undefined || request.state.shape === layout.shape;
      return { kind: isStart ? 'baseline' : 'types-changed', header, state };
    }

    if (isCounterReset(before, snapshot, subtraction, mainMapping)) {
      restore(snapshot, order, entries);
      const state = stateOf(frame, vanished.length === 0 ? entries : entries.slice(0, samples * size), NO_PATIENCE);
      return { kind: 'delta', header, ...write(header, layout, plan), isReset: true, clamped: 0, state };
    }
    const state = stateOf(frame, entries, keepVanished(before, vanished, entries, samples));
    snapshot.endSubtraction();
    return { kind: 'delta', header, ...write(header, layout, plan), isReset: false, clamped, state };
  } finally {
    index.release();
    snapshot.end();
  }
}

/** The profile without the dropped columns, its duplicate samples summed and its all-zero samples left out. */
export function rewriteProfile(request: RewriteRequest): RewrittenProfile {
  try {
    index.fill(request.profile, request.limits ?? defaultLimits(request.profile));
    const header = headerOf(index);
    const plan = request.plan(header);
    keys.start(PROCESS_SEED);
    takeSamples(undefined, PROCESS_SEED);
    const clamped = clampNegative(snapshot, countingColumns(header));
    return { header, ...write(header, columnLayout(header, plan.columns), plan), clamped };
  } finally {
    index.release();
    snapshot.end();
  }
}

/**
 * The memory that a step takes at its peak, in about: the profile and its tables, what a snapshot holds of each sample, and
 * the two states. What is written does not add to it: the snapshot has let go of as much by then.
 */
function memoryOf(before: DeltaState | undefined, cumulative: number): number {
  const { bytes, functions, locations, mappings, sampleCount, strings } = index;
  const counts = {
    samples: sampleCount,
    mappings: mappings.length,
    locations: locations.length,
    functions: functions.length,
    strings: strings.length,
  };
  const entryBytes = entrySize(cumulative) * 4;
  const sampleBytes = Snapshot.bytesOfSample(index.sampleTypes.length) + entryBytes;
  const stateBytes =
    before === undefined ? 0 : before.entries.byteLength + (before.samples + before.patience.length) * MATCH_BYTES;
  return bytes.length + tableBytes(counts) + sampleCount * sampleBytes + stateBytes;
}

/**
 * How many vanished samples may be remembered: so few that the next profile, if it is like this one, does not take more memory
 * than it may.
 */
function mostVanished(memory: number, cumulative: number, limits: ProfileLimits): number {
  const room = Math.floor((limits.maxMemoryBytes - memory) / (entrySize(cumulative) * 8 + MATCH_BYTES));
  return Math.min(limits.maxSamples, Math.max(0, room));
}

/** The caller has held its own limit on bytes. */
function defaultLimits({ length }: Uint8Array): ProfileLimits {
  return profileLimits(Math.max(DEFAULT_BODY_BYTES, length));
}

/** The end of the shape of states in which names decide: a snapshot with the other kind of keys can't be compared. */
const BY_NAMES = '\nby names';

/** Whether the keys of a state have the names of functions in them although these have addresses. */
export function doNamesDecide(state: DeltaState | undefined): boolean {
  return state?.shape.endsWith(BY_NAMES) ?? false;
}

/** Reads all samples of the indexed profile into the snapshot. The keys must have been started. */
function takeSamples(
  before: DeltaState | undefined,
  seed: HashSeed,
  stride?: number,
  expectMemory?: (bytes: number) => void,
): void {
  reader.start({ locations: keys.locations, seedA: seed.a, seedB: seed.b });
  snapshot.start(before, index.sampleTypes.length, index.sampleCount, stride, expectMemory);
  for (let sample = 0; sample < index.sampleCount; sample++) {
    reader.read(sample, snapshot.values, snapshot.nextValues);
    keys.make(reader.sample);
    snapshot.add(sample, keys.a, keys.b);
  }
}

/** Columns that can't fall while a process lives, so that a difference of them is not negative. */
function countingColumns({ sampleTypes }: ProfileHeader): number[] {
  return sampleTypes.flatMap((sampleType, column) => (isCumulativeType(sampleType) ? [column] : []));
}

/** Spelt out: an object made by spreading takes twice the memory, and there is one for each target. */
function stateOf(
  { seed, shape, columns, totals, mainMapping, samples }: Omit<DeltaState, 'entries' | 'patience'>,
  entries: Int32Array,
  patience: Uint8Array,
): DeltaState {
  return { seed, shape, columns, totals, mainMapping, samples, entries, patience };
}

function write(
  { sampleTypes }: ProfileHeader,
  { kept }: ColumnLayout,
  plan: DeltaPlan,
): Pick<DeltaMade, 'profile' | 'samples' | 'sampleTypes'> {
  const { profile, samples } = emitProfile(index, snapshot, kept, plan);
  return { profile, samples, sampleTypes: kept.map((column) => sampleTypes[column]!) };
}
