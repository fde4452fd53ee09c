import assert from 'node:assert/strict';
import type { DeltaState } from '../../src/delta/delta-state.ts';
import { type ColumnUse, computeDelta, type DeltaRequest, type DeltaResult } from '../../src/delta/engine.ts';
import { engineDelta } from '../../src/delta/engine-delta.ts';
import { ProfileError } from '../../src/errors.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import type { SampleType } from '../../src/profile/sample-type.ts';
import type { ProfileHeader } from '../../src/profile/validate-profile.ts';
import { isCumulativeInGo } from './naive-delta.ts';

export type ColumnUseOf = (type: SampleType) => ColumnUse;

/** Subtracts what Go's runtime counts up and keeps the rest. */
export const goColumns: ColumnUseOf = (type) => (isCumulativeInGo(type) ? 'subtract' : 'keep');

const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * Feeds the snapshots of one target to the engines, as the tracker does. That in TypeScript answers; whatever that in
 * WebAssembly says has to be the same, to the byte, and of what is refused it must say nothing.
 */
export class EngineRun {
  state: DeltaState | undefined;
  /** Snapshots that the engine in WebAssembly did not give up on. */
  taken = 0;
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
    const request = { state: this.state, plan };
    const content = new ProfileBody(new Uint8Array(profile), MAX_BYTES);
    const made = engineDelta({ ...request, content, spendsContent: true, form: 'pprof' });
    const isSpent = content.body.length < profile.length;
    if (made === undefined && isSpent) assert.equal(Buffer.compare(content.pprof, profile), 0, 'lost on giving up');
    const result = this.#reference({ ...request, profile }, made);
    this.state = result.state;
    return result;
  }

  #reference(request: DeltaRequest, made: DeltaResult | undefined): DeltaResult {
    try {
      const result = computeDelta(request);
      if (made !== undefined) assert.deepEqual(made, result, 'the engines differ');
      if (made !== undefined) this.taken++;
      return result;
    } catch (error) {
      if (error instanceof ProfileError)
        assert.equal(made, undefined, `the engine took what is refused: ${error.message}`);
      throw error;
    }
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
