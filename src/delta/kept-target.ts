import { type DeltaState, entrySize } from './delta-state.ts';
import type { TrackedTarget } from './tracked-target.ts';

/**
 * A tracked target between two scrapes. There may be tens of thousands, most with a dozen samples: as objects and typed
 * arrays each took more than a kilobyte beside its samples, as numbers in one buffer it is a third of that.
 */
export interface KeptTarget {
  /** Of the state, undefined where there is none. Strings and list are those of all targets with these sample types. */
  readonly shape: string | undefined;
  readonly columns: readonly string[];
  /** All the rest: the fields below, 16 bytes for each total, the state's entries, its patience. */
  readonly numbers: ArrayBuffer;
}

const WALL_MS = 0;
const MONOTONIC_MS = 8;
const TARGET_NANOS = 16;
const FINGERPRINT = 24;
const SINCE_RESET = 32;
const CALM_NEEDED = 40;
const HAS_GAP = 44;
const SAMPLES = 48;
const VANISHED = 52;
const SEED = 56;
const MAIN_MAPPING = 64;
const TOTALS = 72;

/**
 * Entries and patience of a new state, to be filled: in a buffer that has room for all the rest, so that `keepTarget` can
 * take it as it is.
 */
export function stateArrays(
  columns: number,
  entryInts: number,
  vanished: number,
): Pick<DeltaState, 'entries' | 'patience'> {
  const entriesAt = TOTALS + columns * 16;
  const buffer = new ArrayBuffer(entriesAt + entryInts * 4 + vanished);
  return {
    entries: new Int32Array(buffer, entriesAt, entryInts),
    patience: new Uint8Array(buffer, entriesAt + entryInts * 4, vanished),
  };
}

/** `isNew`: nobody else has the state, so that its own buffer may be written to and kept if `stateArrays` made it. */
export function keepTarget(tracked: TrackedTarget, isNew = false): KeptTarget {
  const { state, stamp } = tracked;
  const totals = state?.totals ?? [];
  const entriesAt = TOTALS + totals.length * 16;
  const size = entriesAt + (state ? state.entries.byteLength + state.patience.length : 0);
  const own = state?.entries.buffer;
  const takesOwn =
    isNew && own instanceof ArrayBuffer && own.byteLength === size && state?.entries.byteOffset === entriesAt;
  const numbers = takesOwn ? own : new ArrayBuffer(size);
  const view = new DataView(numbers);
  view.setFloat64(WALL_MS, stamp.wallMs);
  view.setFloat64(MONOTONIC_MS, stamp.monotonicMs ?? Number.NaN);
  view.setBigInt64(TARGET_NANOS, stamp.targetNanos);
  view.setBigInt64(FINGERPRINT, tracked.fingerprint);
  view.setFloat64(SINCE_RESET, tracked.sinceReset);
  view.setInt32(CALM_NEEDED, tracked.calmNeeded);
  view.setInt32(HAS_GAP, tracked.hasGap ? 1 : 0);
  if (state !== undefined) {
    view.setInt32(SAMPLES, state.samples);
    view.setInt32(VANISHED, state.patience.length);
    view.setInt32(SEED, state.seed.a);
    view.setInt32(SEED + 4, state.seed.b);
    view.setInt32(MAIN_MAPPING, state.mainMapping[0]);
    view.setInt32(MAIN_MAPPING + 4, state.mainMapping[1]);
    totals.forEach((total, at) => {
      view.setBigInt64(TOTALS + at * 16, BigInt.asIntN(64, total));
      view.setBigInt64(TOTALS + at * 16 + 8, total >> 64n);
    });
    if (!takesOwn) {
      new Int32Array(numbers, entriesAt, state.entries.length).set(state.entries);
      new Uint8Array(numbers, entriesAt + state.entries.byteLength).set(state.patience);
    }
  }
  return { shape: state?.shape, columns: state?.columns ?? NO_COLUMNS, numbers };
}

/** What was kept, as it was. Entries and patience are views of the buffer, not copies. */
export function trackedTarget(kept: KeptTarget): TrackedTarget {
  const view = new DataView(kept.numbers);
  const monotonicMs = view.getFloat64(MONOTONIC_MS);
  return {
    state: kept.shape === undefined ? undefined : stateOf(kept, kept.shape, view),
    stamp: {
      targetNanos: view.getBigInt64(TARGET_NANOS),
      wallMs: view.getFloat64(WALL_MS),
      monotonicMs: Number.isNaN(monotonicMs) ? undefined : monotonicMs,
    },
    fingerprint: view.getBigInt64(FINGERPRINT),
    sinceReset: view.getFloat64(SINCE_RESET),
    calmNeeded: view.getInt32(CALM_NEEDED),
    hasGap: view.getInt32(HAS_GAP) === 1,
  };
}

function stateOf({ columns, numbers }: KeptTarget, shape: string, view: DataView): DeltaState {
  const samples = view.getInt32(SAMPLES);
  const vanished = view.getInt32(VANISHED);
  const entriesAt = TOTALS + columns.length * 16;
  const entries = new Int32Array(numbers, entriesAt, (samples + vanished) * entrySize(columns.length));
  return {
    seed: { a: view.getInt32(SEED), b: view.getInt32(SEED + 4) },
    shape,
    columns,
    totals: columns.map(
      (_, at) => (view.getBigInt64(TOTALS + at * 16 + 8) << 64n) + view.getBigUint64(TOTALS + at * 16),
    ),
    mainMapping: [view.getInt32(MAIN_MAPPING), view.getInt32(MAIN_MAPPING + 4)],
    samples,
    entries,
    patience: new Uint8Array(numbers, entriesAt + entries.byteLength, vanished),
  };
}

const NO_COLUMNS: readonly string[] = [];
