import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rewriteProfile } from '../../src/delta/engine.ts';
import { deltaFiles } from '../../src/delta/file-delta.ts';
import { assertAgrees } from '../support/agreement.ts';
import { buildProfile, type FrameSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { NaiveDelta } from '../support/naive-delta.ts';
import { printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { inflated } from '../support/recorded-profiles.ts';
import { APP, sample, snapshot } from '../support/sample-table.ts';

// Programs in which one address stands for several functions: names tell them apart.

const call = (name: string, filename = 'a.go', line = 0n): FrameSpec => ({
  address: 0x40_1000n,
  mapping: APP,
  lines: [{ name, filename, line }],
});
const profile = (...samples: readonly (readonly [frame: FrameSpec, allocated: bigint])[]): Uint8Array =>
  buildProfile(snapshot(samples.map(([frame, allocated]) => sample([frame], [allocated, 0n]))));

const ONE = profile([call('f'), 10n]);
const BOTH = (f: bigint, g: bigint) => profile([call('f'), f], [call('g'), g]);

/** Both engines and the slow one say the same of each snapshot; gives the deltas as printed, or why there is none. */
function deltas(...snapshots: readonly Uint8Array[]): unknown[] {
  const naive = new NaiveDelta();
  const engine = new EngineRun();
  return snapshots.map((bytes) => {
    const made = engine.next(bytes);
    assertAgrees(made, naive.next(bytes));
    return made.kind === 'delta' ? printSamples(readProfile(made.profile)) : made.kind;
  });
}

test('two functions of one address are two samples', () => {
  assert.deepEqual(deltas(BOTH(10n, 20n), BOTH(11n, 25n)), [
    'baseline',
    [
      ['f', 1n, 0n],
      ['g', 5n, 0n],
    ],
  ]);
});

test('the first snapshot that shows it begins anew: the one before has added the two up', () => {
  assert.deepEqual(deltas(ONE, BOTH(10n, 20n), BOTH(12n, 20n)), ['baseline', 'baseline', [['f', 2n, 0n]]]);
});

test('later snapshots are compared by names although they show only one of the two', () => {
  const onlyF = profile([call('f'), 100n]);
  assert.deepEqual(deltas(BOTH(90n, 1n), onlyF, BOTH(101n, 4n)), [
    'baseline',
    [['f', 10n, 0n]],
    [
      ['f', 1n, 0n],
      ['g', 3n, 0n],
    ],
  ]);
});

test('another file or line of the same function is the same sample, as before', () => {
  const twice = profile([call('f', 'a.go'), 10n], [call('f', 'b.go', 7n), 5n]);
  assert.deepEqual(deltas(twice, profile([call('f', 'b.go'), 18n])), ['baseline', [['f', 3n, 0n]]]);
});

test('a location without a name may be either of two others', () => {
  const bare: FrameSpec = { address: 0x40_1000n, mapping: APP };
  const three = profile([bare, 1n], [call('f'), 10n], [call('g'), 20n]);
  const [first, second] = deltas(three, profile([bare, 2n], [call('f'), 11n], [call('g'), 20n]));
  assert.equal(first, 'baseline');
  assert.equal(Array.isArray(second) && second.length, 2);
});

test('of two files it does not matter which of them shows it', () => {
  const { body, isReset } = deltaFiles(ONE, BOTH(11n, 20n));
  assert.equal(isReset, false);
  assert.deepEqual(printSamples(readProfile(inflated(body))), [
    ['f', 1n, 0n],
    ['g', 20n, 0n],
  ]);
});

for (const name of ['same-address', 'same-address-label']) {
  test(`${name}: different stacks stay apart where samples are written anew`, () => {
    const file = readFileSync(join(import.meta.dirname, `../../fixtures/profiles/kinds/${name}.pb.gz`));
    const made = rewriteProfile({
      profile: inflated(file),
      plan: ({ sampleTypes }) => ({ columns: sampleTypes.map(() => 'keep'), timeNanos: 1n, durationNanos: 2n }),
    });
    assert.deepEqual(
      readProfile(made.profile).samples.map(({ values }) => values),
      [[24n], [46n]],
    );
    assert.deepEqual(deltaFiles(file, file).body, file);
  });
}
