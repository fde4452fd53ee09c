import { freeNow } from '../profile/free-now.ts';
import { type DeltaState, entrySize } from './delta-state.ts';
import { MAX_SLOT_BYTES, Slabs } from './slabs.ts';
import type { TrackedTarget } from './tracked-target.ts';

/** A tracked target as `KeptTargets` has it: a number, so that a target between two scrapes is no object at all. */
export type KeptTarget = number;

const WALL_MS = 0;
const MONOTONIC_MS = 8;
const TARGET_NANOS = 16;
const FINGERPRINT = 24;
const SINCE_RESET = 32;
const CALM_NEEDED = 40;
const HAS_GAP = 42;
const FRAME = 44;
const SAMPLES = 48;
const VANISHED = 52;
const SEED = 56;
const MAIN_MAPPING = 64;
const TOTALS = 72;

/** The number of no frame. */
const NO_STATE = 0;

/**
 * Entries and patience of a new state, to be filled: in a buffer that has room for all the rest, so that a large one can be
 * kept as it is.
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

/**
 * Tracked targets between two scrapes. There may be tens of thousands, most with a dozen samples: as objects and typed
 * arrays each took more than a kilobyte beside its samples. Here it is a hundred bytes: the fields above, 16 for each total,
 * then the state's entries and its patience. Small ones lie in slabs, a large one has a buffer of its own.
 */
export class KeptTargets {
  readonly #slabs = new Slabs();
  /** By ~number. */
  readonly #buffers: (ArrayBuffer | undefined)[] = [];
  readonly #vacant: number[] = [];
  readonly #frames = new Frames();

  /** Of memory, without what each slab has beside it. */
  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), this.#slabs.bytes);
  }

  /**
   * A copy of what is given. `isNew`: nobody else has the state, so that its own buffer may be kept if `stateArrays` made it,
   * and is freed if it is not.
   */
  put(tracked: TrackedTarget, isNew = false): KeptTarget {
    const { state } = tracked;
    const size = TOTALS + (state ? state.columns.length * 16 + state.entries.byteLength + state.patience.length : 0);
    const own = isNew && state?.entries.buffer instanceof ArrayBuffer ? state.entries.buffer : undefined;
    const kept = size <= MAX_SLOT_BYTES ? this.#slabs.take(size) : this.#bufferFor(own, size);
    const view = this.#view(kept);
    writeFields(view, tracked);
    view.setInt32(FRAME, state === undefined ? NO_STATE : this.#frames.use(state));
    if (state === undefined) return kept;
    writeTotals(view, state);
    if (own === view.buffer) return kept;
    const { entries, patience } = arraysIn(view, state.columns.length, state.entries.length, state.patience.length);
    entries.set(state.entries);
    patience.set(state.patience);
    if (own !== undefined) freeNow(new Uint8Array(own));
    return kept;
  }

  /** What was kept, as it was. Entries and patience are views, good until it is freed. */
  get(kept: KeptTarget): TrackedTarget {
    const view = this.#view(kept);
    const frame = view.getInt32(FRAME);
    const monotonicMs = view.getFloat64(MONOTONIC_MS);
    return {
      state: frame === NO_STATE ? undefined : readState(view, this.#frames.get(frame)),
      stamp: {
        targetNanos: view.getBigInt64(TARGET_NANOS),
        wallMs: view.getFloat64(WALL_MS),
        monotonicMs: Number.isNaN(monotonicMs) ? undefined : monotonicMs,
      },
      fingerprint: view.getBigInt64(FINGERPRINT),
      sinceReset: view.getFloat64(SINCE_RESET),
      calmNeeded: view.getInt16(CALM_NEEDED),
      hasGap: view.getInt8(HAS_GAP) === 1,
    };
  }

  /** The last scrape failed. */
  noteGap(kept: KeptTarget): void {
    this.#view(kept).setInt8(HAS_GAP, 1);
  }

  /** Its memory is for others now. */
  free(kept: KeptTarget): void {
    const frame = this.#view(kept).getInt32(FRAME);
    if (frame !== NO_STATE) this.#frames.release(frame);
    if (kept >= 0) {
      this.#slabs.free(kept);
      return;
    }
    freeNow(new Uint8Array(this.#buffers[~kept]!));
    this.#buffers[~kept] = undefined;
    this.#vacant.push(~kept);
  }

  #bufferFor(own: ArrayBuffer | undefined, size: number): KeptTarget {
    const buffer = own?.byteLength === size ? own : new ArrayBuffer(size);
    const number = this.#vacant.pop() ?? this.#buffers.length;
    this.#buffers[number] = buffer;
    return ~number;
  }

  #view(kept: KeptTarget): DataView {
    return kept >= 0 ? this.#slabs.view(kept) : new DataView(this.#buffers[~kept]!);
  }
}

/** What states of the same sample types have in common; the shape tells the columns. */
type Frame = Pick<DeltaState, 'shape' | 'columns'>;

/** The frames that are in use, of which there are a handful. */
class Frames {
  readonly #frames: (Frame | undefined)[] = [undefined];
  readonly #users: number[] = [0];
  readonly #numbers = new Map<string, number>();

  get(number: number): Frame {
    return this.#frames[number]!;
  }

  use({ shape, columns }: Frame): number {
    let number = this.#numbers.get(shape);
    if (number === undefined) {
      const vacant = this.#users.indexOf(0, 1);
      number = vacant === -1 ? this.#users.length : vacant;
      this.#numbers.set(shape, number);
      this.#frames[number] = { shape, columns };
      this.#users[number] = 0;
    }
    this.#users[number]! += 1;
    return number;
  }

  release(number: number): void {
    this.#users[number]! -= 1;
    if (this.#users[number]! > 0) return;
    this.#numbers.delete(this.get(number).shape);
    this.#frames[number] = undefined;
  }
}

function writeFields(view: DataView, { stamp, fingerprint, sinceReset, calmNeeded, hasGap }: TrackedTarget): void {
  view.setFloat64(WALL_MS, stamp.wallMs);
  view.setFloat64(MONOTONIC_MS, stamp.monotonicMs ?? Number.NaN);
  view.setBigInt64(TARGET_NANOS, stamp.targetNanos);
  view.setBigInt64(FINGERPRINT, fingerprint);
  view.setFloat64(SINCE_RESET, sinceReset);
  view.setInt16(CALM_NEEDED, calmNeeded);
  view.setInt8(HAS_GAP, hasGap ? 1 : 0);
}

function writeTotals(view: DataView, { samples, patience, seed, mainMapping, totals }: DeltaState): void {
  view.setInt32(SAMPLES, samples);
  view.setInt32(VANISHED, patience.length);
  view.setInt32(SEED, seed.a);
  view.setInt32(SEED + 4, seed.b);
  view.setInt32(MAIN_MAPPING, mainMapping[0]);
  view.setInt32(MAIN_MAPPING + 4, mainMapping[1]);
  totals.forEach((total, at) => {
    view.setBigInt64(TOTALS + at * 16, BigInt.asIntN(64, total));
    view.setBigInt64(TOTALS + at * 16 + 8, total >> 64n);
  });
}

function readState(view: DataView, { shape, columns }: Frame): DeltaState {
  const samples = view.getInt32(SAMPLES);
  const vanished = view.getInt32(VANISHED);
  return {
    seed: { a: view.getInt32(SEED), b: view.getInt32(SEED + 4) },
    shape,
    columns,
    totals: columns.map(
      (_, at) => (view.getBigInt64(TOTALS + at * 16 + 8) << 64n) + view.getBigUint64(TOTALS + at * 16),
    ),
    mainMapping: [view.getInt32(MAIN_MAPPING), view.getInt32(MAIN_MAPPING + 4)],
    samples,
    ...arraysIn(view, columns.length, (samples + vanished) * entrySize(columns.length), vanished),
  };
}

function arraysIn(
  { buffer, byteOffset }: DataView,
  columns: number,
  entryInts: number,
  vanished: number,
): Pick<DeltaState, 'entries' | 'patience'> {
  const entriesAt = byteOffset + TOTALS + columns * 16;
  return {
    entries: new Int32Array(buffer, entriesAt, entryInts),
    patience: new Uint8Array(buffer, entriesAt + entryInts * 4, vanished),
  };
}
