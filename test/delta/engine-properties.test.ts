import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertAgrees } from '../support/agreement.ts';
import { buildProfile, type Layout, type ProfileSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { NaiveDelta } from '../support/naive-delta.ts';
import { historyArbitrary, layoutArbitrary, propertyRuns } from '../support/profile-arbitraries.ts';
import { readProfile } from '../support/read-profile.ts';
import { sampleContent, summedSamples } from '../support/sample-identity.ts';

const history = historyArbitrary({ length: 6 });
const steady = historyArbitrary({ length: 3, isSteady: true });

/** The deltas of a history, with each snapshot in a layout of its own. */
function deltas(snapshots: readonly ProfileSpec[], layouts: readonly Layout[] = []): Map<string, bigint[]>[] {
  const run = new EngineRun();
  return snapshots.flatMap((snapshot, step) => {
    const result = run.next(buildProfile(snapshot, layouts[step]));
    return result.kind === 'delta' ? [summedSamples(readProfile(result.profile))] : [];
  });
}

function total(profile: Pick<ProfileSpec, 'samples'>, column: number): bigint {
  return profile.samples.reduce((sum: bigint, { values }) => sum + (values[column] ?? 0n), 0n);
}

test('agrees with the naive delta on histories with resets, vanished and returned samples', () => {
  fc.assert(
    fc.property(history, fc.array(layoutArbitrary, { minLength: 6, maxLength: 6 }), ({ snapshots }, layouts) => {
      const naive = new NaiveDelta();
      const run = new EngineRun();
      for (const [step, snapshot] of snapshots.entries()) {
        const bytes = buildProfile(snapshot, layouts[step]);
        const copy = Uint8Array.from(bytes);
        const { state } = run;
        const result = run.next(bytes);
        assertAgrees(result, naive.next(bytes));
        assert.deepEqual(bytes, copy, 'the input was changed');

        const again = new EngineRun();
        again.state = state;
        const repeated = again.next(bytes);
        assert.deepEqual(
          repeated.kind === 'delta' ? repeated.profile : repeated.kind,
          result.kind === 'delta' ? result.profile : result.kind,
          'the state of before was changed',
        );
      }
    }),
    propertyRuns(200),
  );
});

test('finds nothing cumulative between a snapshot and itself', () => {
  fc.assert(
    fc.property(steady, layoutArbitrary, layoutArbitrary, ({ snapshots }, first, second) => {
      const [snapshot] = snapshots;
      assert.ok(snapshot);
      const isHeap = snapshot.sampleTypes.length === 4;
      for (const values of deltas([snapshot, snapshot], [first, second])[0]?.values() ?? []) {
        assert.deepEqual(values.slice(0, 2), [0n, 0n]);
        assert.ok(isHeap);
      }
    }),
    propertyRuns(100),
  );
});

test('earlier snapshot + delta = later snapshot, in each column', () => {
  fc.assert(
    fc.property(steady, ({ snapshots }) => {
      const [before, after] = snapshots;
      assert.ok(before && after);
      const [delta] = deltas([before, after]);
      // Where only the later one has one address for two functions there is none.
      fc.pre(delta !== undefined);
      const { sampleTypes } = after;
      for (const [column, { type }] of sampleTypes.entries()) {
        const earlier: bigint = type.startsWith('inuse') ? 0n : total(before, column);
        const made: bigint = [...(delta?.values() ?? [])].reduce(
          (sum: bigint, values) => sum + (values[column] ?? 0n),
          0n,
        );
        assert.equal(earlier + made, total(after, column), type);
      }
    }),
    propertyRuns(150),
  );
});

test('delta A to B + delta B to C = delta A to C, in each sample', () => {
  fc.assert(
    fc.property(historyArbitrary({ length: 3, isSteady: true }), ({ snapshots }) => {
      const [a, , c] = snapshots;
      fc.pre(a !== undefined && c !== undefined);
      const [ab, bc] = deltas(snapshots);
      const [ac] = deltas([a, c]);
      fc.pre(ab !== undefined && bc !== undefined && ac !== undefined);
      for (const identity of new Set([...(ab ?? []), ...(bc ?? []), ...(ac ?? [])].map(([key]) => key))) {
        for (const column of [0, 1]) {
          const value = (samples: Map<string, bigint[]> | undefined) => samples?.get(identity)?.[column] ?? 0n;
          assert.equal(value(ab) + value(bc), value(ac), identity);
        }
      }
    }),
    propertyRuns(150),
  );
});

test('gives the same samples whatever the layout of the two snapshots', () => {
  const layoutsOfTwo = fc.tuple(layoutArbitrary, layoutArbitrary, fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(history, layoutsOfTwo, ({ snapshots }, [first, second, ...permuteSamples]) => {
      const layouts = [first, second].map((layout, index) => ({
        ...layout,
        permuteSamples: permuteSamples[index] === true,
      }));
      const pair = snapshots.slice(0, 2);
      const sorted = (samples: Map<string, bigint[]> | undefined) => new Map([...(samples ?? [])].sort());
      assert.deepEqual(sorted(deltas(pair, layouts)[0]), sorted(deltas(pair)[0]));
    }),
    propertyRuns(200),
  );
});

test('gives stacks, lines and labels as the snapshot has them', () => {
  fc.assert(
    fc.property(steady, layoutArbitrary, ({ snapshots }, layout) => {
      const [snapshot] = snapshots;
      assert.ok(snapshot);
      // Against a snapshot of zeros everything is new, so that the output is the snapshot but for its zeros.
      const run = new EngineRun();
      const zeros = snapshot.samples.map((sample) => ({ ...sample, values: sample.values.map(() => 0n) }));
      run.next(buildProfile({ ...snapshot, samples: zeros }));
      const output = readProfile(run.delta(buildProfile(snapshot, { ...layout, splitSamples: false })).profile);
      const contents = new Set(readProfile(buildProfile(snapshot)).samples.map(sampleContent));
      for (const sample of output.samples) assert.ok(contents.has(sampleContent(sample)));
    }),
    propertyRuns(80),
  );
});
