import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { deltaFiles } from '../../src/delta/file-delta.ts';
import { ProfileError } from '../../src/errors.ts';
import { buildProfile } from '../support/build-profile.ts';
import { printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { inflated } from '../support/recorded-profiles.ts';
import { sample, snapshot } from '../support/sample-table.ts';

const file = (value: bigint, timeNanos: bigint): Uint8Array =>
  buildProfile(snapshot([sample('a', [value, 1n])], { timeNanos }));
const BEFORE = file(10n, 1_700_000_000_000_000_000n);
const AFTER = file(15n, 1_700_000_015_000_000_001n);

test('takes gzip and plain files alike', () => {
  const [plain, ...others] = [
    deltaFiles(BEFORE, AFTER),
    deltaFiles(gzipSync(BEFORE), AFTER),
    deltaFiles(gzipSync(BEFORE), gzipSync(AFTER)),
  ];
  assert.ok(plain);
  const read = readProfile(inflated(plain.body));
  assert.deepEqual(printSamples(read), [['a', 5n, 1n]]);
  assert.equal(read.timeNanos, 1_700_000_015_000_000_001n);
  assert.equal(read.durationNanos, 15_000_000_001n);
  for (const other of others) assert.deepEqual(other.body, plain.body);
});

test('says the interval, and that nothing was odd', () => {
  const { fromNanos, untilNanos, isReset, clamped, samples, warnings } = deltaFiles(BEFORE, AFTER);
  assert.deepEqual(
    { fromNanos, untilNanos, isReset, clamped, samples, warnings },
    {
      fromNanos: 1_700_000_000_000_000_000n,
      untilNanos: 1_700_000_015_000_000_001n,
      isReset: false,
      clamped: 0,
      samples: 1,
      warnings: [],
    },
  );
});

test('of two equal files nothing cumulative is left, and no staleness is seen', () => {
  assert.deepEqual(printSamples(readProfile(inflated(deltaFiles(BEFORE, BEFORE).body))), [['a', 0n, 1n]]);
});

test('files the wrong way round are told', () => {
  const { warnings, isReset, fromNanos, untilNanos } = deltaFiles(AFTER, BEFORE);
  assert.match(warnings.join(), /the right way round/);
  assert.equal(isReset, true);
  assert.equal(fromNanos, untilNanos);
});

for (const [which, before, after] of [
  ['before', BEFORE.subarray(0, -1), AFTER],
  ['after', BEFORE, AFTER.subarray(0, -1)],
  ['before', gzipSync(BEFORE).subarray(0, 30), AFTER],
  ['after', BEFORE, new Uint8Array(0)],
] as const) {
  test(`names the file that is no profile: ${which}, ${before.length} and ${after.length} bytes`, () => {
    assert.throws(
      () => deltaFiles(before, after),
      (error) => error instanceof ProfileError && error.message.startsWith(`${which}: `),
    );
  });
}

test('refuses files of different sample types, and says which', () => {
  const other = buildProfile(snapshot([sample('a', [1n])]));
  assert.throws(
    () => deltaFiles(BEFORE, other),
    (error) => error instanceof ProfileError && /inuse_space/.test(error.hint ?? ''),
  );
});

test('a file over the limit is refused', () => {
  assert.throws(() => deltaFiles(BEFORE, AFTER, { maxBytes: 20 }), ProfileError);
});
