import type { HashSeed } from './content-hash.ts';

/**
 * What is kept of a snapshot until the next one. The samples lie in one flat array: 24 bytes each with two cumulative
 * columns, no object, no string, no table. Immutable.
 */
export interface DeltaState {
  readonly seed: HashSeed;
  /** Sample types and period type, in an order of their own: what must be the same in the next snapshot. */
  readonly shape: string;
  /** The cumulative columns (`["alloc_space","bytes"]`) in the order in which `entries` has their values. */
  readonly columns: readonly string[];
  /** Exact sum of each cumulative column over the last snapshot. */
  readonly totals: readonly bigint[];
  /** Hash of build id, file and address of the main mapping; both 0 if there is none. */
  readonly mainMapping: readonly [a: number, b: number];
  /** Number of samples of the last snapshot. They come first in `entries`, in the snapshot's order. */
  readonly samples: number;
  /** For each entry the two halves of its key, then low and high half of each cumulative value. */
  readonly entries: Int32Array;
  /**
   * For each entry behind those: in how many more snapshots it may be missing before it is forgotten. These samples were in
   * an earlier snapshot and have since vanished; one that returns is compared with what was last seen of it.
   */
  readonly patience: Uint8Array;
}

/** Snapshots that a vanished sample is remembered for, after the first one without it. */
export const VANISHED_SNAPSHOTS = 5;

/** Ints of one entry. */
export function entrySize(columns: number): number {
  return 2 + columns * 2;
}
