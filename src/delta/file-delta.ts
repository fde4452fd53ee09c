import type { SampleType } from '../profile/sample-type.ts';

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

/** What happened between two snapshots of one process, each gzip'd or plain. Throws ProfileError. */
export function deltaFiles(_before: Uint8Array, _after: Uint8Array, _options: FileDeltaOptions = {}): FileDelta {
  throw new Error('not built yet');
}
