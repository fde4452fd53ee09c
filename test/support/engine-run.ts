import assert from 'node:assert/strict';
import type { DeltaState } from '../../src/delta/delta-state.ts';
import { type ColumnUse, computeDelta, type DeltaResult } from '../../src/delta/engine.ts';
import type { SampleType } from '../../src/profile/sample-type.ts';
import type { ProfileHeader } from '../../src/profile/validate-profile.ts';
import { isCumulativeInGo } from './naive-delta.ts';

export type ColumnUseOf = (type: SampleType) => ColumnUse;

/** Subtracts what Go's runtime counts up and keeps the rest. */
export const goColumns: ColumnUseOf = (type) => (isCumulativeInGo(type) ? 'subtract' : 'keep');

/** Feeds the snapshots of one target to the engine, as the tracker does. */
export class EngineRun {
  state: DeltaState | undefined;
  readonly #columnUse: ColumnUseOf;

  constructor(columnUse: ColumnUseOf = goColumns) {
    this.#columnUse = columnUse;
  }

  /** The engine's answer for the next snapshot. If it throws, the state is that of before, as the tracker keeps it. */
  next(profile: Uint8Array, times: { readonly timeNanos?: bigint; readonly durationNanos?: bigint } = {}): DeltaResult {
    const plan = (header: ProfileHeader) => ({
      columns: header.sampleTypes.map(this.#columnUse),
      timeNanos: times.timeNanos ?? header.timeNanos,
      durationNanos: times.durationNanos ?? 0n,
    });
    const result = computeDelta({ profile, state: this.state, plan });
    this.state = result.state;
    return result;
  }

  /** For snapshots that must give a delta. */
  delta(profile: Uint8Array): Extract<DeltaResult, { kind: 'delta' }> {
    const result = this.next(profile);
    assert.equal(result.kind, 'delta');
    // Narrows for the compiler what the line above has checked.
    if (result.kind !== 'delta') throw new Error('unreachable');
    return result;
  }
}
