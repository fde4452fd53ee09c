import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProfileError } from '../../src/errors.ts';
import { DEFAULT_PROFILE_LIMITS, type ProfileLimits, profileLimits } from '../../src/profile/limits.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { buildProfile, type ProfileSpec, type SampleSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { readProfile } from '../support/read-profile.ts';
import { named, sample, snapshot } from '../support/sample-table.ts';

const LABELS = [
  { key: 'a', str: '1' },
  { key: 'b', str: '2' },
];

/** Two of everything but the period type; the stack of the first sample has three frames. */
const spec: ProfileSpec = snapshot(
  [
    sample([named('f'), named('g'), named('f')], [1n, 2n], LABELS),
    sample([{ ...named('f'), mapping: { filename: 'lib.so', limit: 9n } }], [3n, 4n]),
  ],
  {},
);
const profile = buildProfile(spec);

const rows: readonly [limit: keyof ProfileLimits, enough: number, says: RegExp][] = [
  ['maxSamples', 2, /samples/],
  ['maxSampleTypes', 2, /sample types/],
  ['maxMappings', 2, /mappings/],
  ['maxLocations', 3, /locations/],
  ['maxFunctions', 2, /functions/],
  ['maxStrings', 14, /strings/],
  ['maxTypeBytes', 'alloc_space'.length, /name/],
  ['maxStackDepth', 3, /stack|locations/],
  ['maxLabelsPerSample', 2, /labels/],
];

for (const [limit, enough, says] of rows) {
  test(`${limit}: takes as many and refuses one more`, () => {
    validateProfile(profile, { limits: { ...DEFAULT_PROFILE_LIMITS, [limit]: enough } });
    assert.throws(
      () => validateProfile(profile, { limits: { ...DEFAULT_PROFILE_LIMITS, [limit]: enough - 1 } }),
      (error) => error instanceof ProfileError && error.code === 'PROFILE_LIMIT' && says.test(error.message),
    );
  });
}

test('every limit follows from the limit on bytes', () => {
  const [small, large] = [profileLimits(64 * 1024 * 1024), profileLimits(128 * 1024 * 1024)];
  assert.equal(small.maxSamples, 8 * 1024 * 1024);
  assert.equal(small.maxStrings, 8 * 1024 * 1024);
  assert.equal(small.maxStackDepth, 8 * 1024 * 1024);
  for (const [name, limit] of Object.entries(small)) {
    assert.equal(Object.entries(large).find(([other]) => other === name)?.[1], limit * 2, name);
  }
});

test('takes a stack of 200,000 frames and a string of 8 MiB', () => {
  const frames = Array.from({ length: 200_000 }, () => named('f'));
  const long = buildProfile(snapshot([sample(frames, [1n])], { comments: ['x'.repeat(8 * 1024 * 1024)] }));
  assert.equal(validateProfile(long).samples, 1);
});

test('refuses what has too many entries before there is memory for them', () => {
  const empty = new Uint8Array(4 * 1024 * 1024).map((_, at) => (at % 2 === 0 ? 0x12 : 0));
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(
    () => validateProfile(empty, { limits: profileLimits(empty.length) }),
    (error) =>
      error instanceof ProfileError &&
      /2097152 samples, more than 524288/.test(error.message) &&
      error.hint !== undefined,
  );
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
});

for (const packing of ['packed', 'unpacked', 'mixed'] as const) {
  test(`bounds and reads deep stacks (${packing})`, () => {
    const maxStackDepth = 500;
    const limits = { ...DEFAULT_PROFILE_LIMITS, maxStackDepth };
    const deep = (depth: number, root: string, value: bigint): SampleSpec =>
      sample([...Array.from({ length: depth - 1 }, () => named('f')), named(root)], [value]);
    const build = (samples: readonly SampleSpec[]): Uint8Array => buildProfile(snapshot(samples), { packing, seed: 3 });

    assert.throws(() => validateProfile(build([deep(maxStackDepth + 1, 'a', 1n)]), { limits }), ProfileError);
    const run = new EngineRun();
    run.next(build([deep(maxStackDepth, 'a', 1n), deep(maxStackDepth, 'b', 10n)]));
    const { profile } = run.delta(build([deep(maxStackDepth, 'a', 3n), deep(maxStackDepth, 'b', 20n)]));
    assert.deepEqual(
      readProfile(profile).samples.map(({ stack, values }) => [
        stack.length,
        stack.at(-1)?.lines[0]?.function.name,
        ...values,
      ]),
      [
        [maxStackDepth, 'a', 2n],
        [maxStackDepth, 'b', 10n],
      ],
    );
  });
}
