import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { deltaFiles } from '../../src/delta/file-delta.ts';
import { ProfileError } from '../../src/errors.ts';
import { buildProfile } from '../support/build-profile.ts';
import { printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { inflated } from '../support/recorded-profiles.ts';
import { sample, snapshot } from '../support/sample-table.ts';

const KINDS = join(import.meta.dirname, '../../fixtures/profiles/kinds');
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

const goroutines = (count: bigint): Uint8Array =>
  buildProfile({
    sampleTypes: [{ type: 'goroutine', unit: 'count' }],
    samples: [sample('a', [count]), sample('a', [count]), sample('b', [-1n]), sample('c', [0n])],
    timeNanos: 1_700_000_000_000_000_000n,
  });

for (const [form, after] of [
  ['plain', goroutines(3n)],
  ['gzip', gzipSync(goroutines(3n))],
] as const) {
  test(`where nothing counts up the result is AFTER, byte for byte, and that is said: ${form}`, () => {
    const made = deltaFiles(goroutines(9n), after);
    assert.deepEqual(made.body, after);
    assert.equal(made.samples, 4);
    assert.match(made.warnings.join(), /none of goroutine\/count counts since .* the result is AFTER as it is/);
  });
}

test('where nothing counts up both files are still checked, and must have the same columns', () => {
  const other = buildProfile({ sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }], samples: [sample('a', [1n])] });
  assert.throws(() => deltaFiles(goroutines(1n), other), /after: other sample types/);
  assert.throws(() => deltaFiles(goroutines(1n), BEFORE), /after: other sample types/);
  assert.throws(() => deltaFiles(goroutines(1n).subarray(0, -1), goroutines(1n)), /^ProfileError: before: /);
  assert.throws(() => deltaFiles(goroutines(1n), goroutines(1n).subarray(0, -1)), /^ProfileError: after: /);
});

const durable = buildProfile(snapshot([sample('a', [15n, -1n])], { durationNanos: 10_000_000_000n }));
const node = new Uint8Array(readFileSync(join(KINDS, 'node-alloc-2.pb.gz')));
const jfr = buildProfile({
  sampleTypes: [{ type: 'contentions', unit: 'count' }],
  periodType: { type: 'mutex', unit: 'count' },
  samples: [sample('a', [1n])],
});

for (const [what, before, after, said] of [
  [
    'one with a duration',
    durable,
    durable,
    /^before: it is a delta already: it has a duration of 10 s beside alloc_space/,
  ],
  ['only the second is one', BEFORE, durable, /^after: it is a delta already/],
  ["Node's allocations", node, node, /^before: .*its period type is alloc_space\/bytes/],
  ['contentions of a JFR recording', jfr, jfr, /^before: .*its period type is mutex\/count/],
] as const) {
  test(`a delta is not subtracted again: ${what}`, () => {
    assert.throws(
      () => deltaFiles(before, after),
      (error) =>
        error instanceof ProfileError &&
        error.code === 'ALREADY_DELTA' &&
        said.test(error.message) &&
        /go tool pprof -diff_base/.test(error.hint ?? ''),
    );
  });
}

test('the delta of two files is refused as an input', () => {
  const { body } = deltaFiles(BEFORE, AFTER);
  assert.throws(() => deltaFiles(body, body), /is a delta already/);
});

test('negative values are read in columns that are not subtracted, and refused by their cause in those that are', () => {
  const odd = (allocated: bigint, inuse: bigint) => buildProfile(snapshot([sample('a', [allocated, inuse])]));
  const { body } = deltaFiles(odd(10n, -4n), odd(15n, -7n));
  assert.deepEqual(printSamples(readProfile(inflated(body))), [['a', 5n, -7n]]);
  assert.throws(
    () => deltaFiles(odd(10n, 1n), odd(-15n, 1n)),
    /after: alloc_space\/bytes is -15 in sample\[0\]: a count/,
  );
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
