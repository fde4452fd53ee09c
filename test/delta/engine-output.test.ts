import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProfile, type ProfileSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { GoHeap } from '../support/go-heap.ts';
import { LAYOUTS } from '../support/layouts.ts';
import { readProfile } from '../support/read-profile.ts';
import { APP, at, sample, snapshot } from '../support/sample-table.ts';

test('leaves of fifty thousand stacks only what the one that changed needs', () => {
  const heap = new GoHeap({ samples: 50_000, kind: 'contention' });
  const before = heap.snapshot();
  const samples = [...before.samples];
  const changed = samples[31_234];
  assert.ok(changed);
  samples[31_234] = { ...changed, values: changed.values.map((value) => value + 3n) };
  const run = new EngineRun();
  run.next(buildProfile(before));
  const { profile } = run.delta(buildProfile({ ...before, samples }));

  const read = readProfile(profile);
  assert.deepEqual(
    read.samples.map(({ values }) => values),
    [[3n, 3n]],
  );
  const stack = read.samples[0]?.stack ?? [];
  assert.equal(stack.length, changed.stack.length);
  assert.deepEqual(new Set(read.locations), new Set(stack));
  const called = stack.flatMap(({ lines }) => lines.map((line) => line.function));
  assert.deepEqual(new Set(read.functions), new Set(called));
  const used = new Set(called.flatMap(({ name, filename }) => [name, filename]));
  const strings = read.strings.filter((text) => text !== '');
  assert.ok(strings.length < used.size + 20, `${strings.length} strings for ${used.size} names`);
  assert.ok(profile.length < 64 * 1024, `${profile.length} bytes`);
});

for (const packing of ['packed', 'unpacked', 'mixed'] as const) {
  test(`writes samples whose length gets shorter or longer than that of the message (${packing})`, () => {
    // About 128 bytes each: there the length of the length changes.
    const depths = Array.from({ length: 40 }, (_, step) => (packing === 'packed' ? 95 : 45) + step);
    const build = (first: bigint, second: bigint): Uint8Array =>
      buildProfile(
        snapshot(
          depths.map((depth) =>
            sample(
              Array.from({ length: depth }, () => at(`s${depth}`)),
              [first, second],
            ),
          ),
        ),
        { packing, seed: 5 },
      );
    for (const [before, after, inuse] of [
      [0n, 2n ** 62n, 2n ** 62n],
      [2n ** 62n, 2n ** 62n + 1n, 0n],
      [1n, 2n, 0n],
    ] as const) {
      const run = new EngineRun();
      run.next(build(before, 1n));
      const { profile } = run.delta(build(after, inuse));
      assert.deepEqual(
        readProfile(profile).samples.map(({ stack, values }) => [stack.length, ...values]),
        depths.map((depth) => [depth, after - before, inuse]),
      );
    }
  });
}

test('keeps what the profile says besides its samples', () => {
  const rest: Partial<ProfileSpec> = {
    defaultSampleType: 'alloc_space',
    comments: ['first comment', 'second comment', 'third comment'],
    dropFrames: 'runtime\\..*',
    keepFrames: 'runtime\\.main',
    docUrl: 'https://example.com/profile',
    period: 1n,
    mappings: [
      { ...APP, hasFunctions: true, hasInlineFrames: true },
      { filename: 'unused.so', limit: 5n },
    ],
  };
  for (const [index, layout] of LAYOUTS.entries()) {
    const run = new EngineRun();
    const build = (value: bigint) =>
      buildProfile(snapshot([sample('s1', [value, 1n])], rest), { ...layout, seed: index });
    run.next(build(1n));
    const after = build(2n);
    const result = run.next(after, { timeNanos: 1_700_000_000_123_456_789n, durationNanos: 15_000_000_001n });
    assert.ok(result.kind === 'delta');
    const read = readProfile(result.profile);
    const { sampleTypes, periodType, period, defaultSampleType, comments, dropFrames, keepFrames, docUrl, mappings } =
      read;
    const original = readProfile(after);
    assert.deepEqual(
      { sampleTypes, periodType, period, defaultSampleType, comments, dropFrames, keepFrames, docUrl, mappings },
      {
        sampleTypes: original.sampleTypes,
        periodType: original.periodType,
        period: 1n,
        defaultSampleType: rest.defaultSampleType,
        comments: rest.comments,
        dropFrames: rest.dropFrames,
        keepFrames: rest.keepFrames,
        docUrl: rest.docUrl,
        mappings: original.mappings,
      },
      `layout ${index}`,
    );
    assert.equal(read.timeNanos, 1_700_000_000_123_456_789n);
    assert.equal(read.durationNanos, 15_000_000_001n);
  }
});

test('makes the same output bytes of the same input', () => {
  const heap = new GoHeap({ samples: 300 });
  const first = buildProfile(heap.snapshot());
  heap.advance({ changed: 0.1, added: 5 });
  const second = buildProfile(heap.snapshot());
  const outputs = [0, 1].map(() => {
    const run = new EngineRun();
    run.next(first);
    return run.delta(second).profile;
  });
  assert.deepEqual(outputs[0], outputs[1]);
});
