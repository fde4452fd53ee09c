import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { computeDelta } from '../../src/delta/engine.ts';
import { engineDelta } from '../../src/delta/engine-delta.ts';
import { makeDelta } from '../../src/delta/make-delta.ts';
import { DEFAULT_PROFILE_LIMITS, type ProfileLimits } from '../../src/profile/limits.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import type { ProfileHeader } from '../../src/profile/validate-profile.ts';
import { engineFor } from '../../src/wasm/engine.ts';
import { buildProfile } from '../support/build-profile.ts';
import { EngineRun, goColumns } from '../support/engine-run.ts';
import { GoHeap } from '../support/go-heap.ts';
import { bytesField, concat, messageField, packedField, varintField } from '../support/protobuf-bytes.ts';
import { inflated, recordedProfiles } from '../support/recorded-profiles.ts';
import { ALLOC_SPACE, APP, at, INUSE_SPACE, named, sample, snapshot } from '../support/sample-table.ts';
import { runModule } from '../support/source-module.ts';

const plan = ({ sampleTypes }: ProfileHeader) => ({
  columns: sampleTypes.map(goColumns),
  timeNanos: 5n,
  durationNanos: 7n,
});

function ask(body: Uint8Array, limits: ProfileLimits = DEFAULT_PROFILE_LIMITS) {
  return engineDelta({ content: new ProfileBody(body, 1e9), form: 'pprof', state: undefined, plan, limits });
}

const ORDINARY = snapshot([sample('main;work', [7n, 1n], [{ key: 'bytes', num: 32n, unit: 'bytes' }])], {
  timeNanos: 1_700_000_000_000_000_000n,
});
const bytes = buildProfile(ORDINARY);

test('takes every recorded profile of a real Go program', () => {
  for (const [name, bodies] of recordedProfiles()) {
    const run = new EngineRun();
    for (const body of bodies) run.next(inflated(body));
    assert.equal(run.taken, bodies.length, name);
  }
});

const unusual: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: 'an unknown field', bytes: concat(bytes, varintField(99, 1)) },
  { name: 'a comment', bytes: buildProfile({ ...ORDINARY, comments: ['built on a Sunday'] }) },
  { name: 'ids that are not 1, 2, 3', bytes: buildProfile(ORDINARY, { ids: 'sparse' }) },
  { name: 'locations without an address', bytes: buildProfile(snapshot([sample([named('main')], [7n, 1n])])) },
  { name: 'a field of one number twice', bytes: concat(bytes, varintField(12, 1)) },
  { name: 'a sample with an unknown field', bytes: concat(bytes, sampleWith(varintField(9, 1))) },
  { name: 'no sample type', bytes: buildProfile({ sampleTypes: [], samples: [] }) },
];

function sampleWith(...fields: readonly Uint8Array[]): Uint8Array {
  return messageField(2, packedField(1, [1]), packedField(2, [7, 1]), ...fields);
}

for (const { name, bytes: odd } of unusual) {
  test(`leaves ${name} to the engine in TypeScript, which takes it`, () => {
    assert.equal(ask(odd), undefined);
    const request = { state: undefined, plan };
    assert.deepEqual(
      makeDelta({ ...request, content: new ProfileBody(odd, 1e9) }),
      computeDelta({ ...request, profile: odd }),
    );
  });
}

const TWO_LABELS = [
  { key: 'k', str: 'v' },
  { key: 'l', str: 'v' },
];
const many = buildProfile(
  snapshot(
    ['a;b;c', 'b', 'c'].map((stack) => sample(stack, [7n, 1n], TWO_LABELS)),
    { sampleTypes: [ALLOC_SPACE, INUSE_SPACE], mappings: [APP, { ...APP, filename: '/lib/other', buildId: 'Y' }] },
  ),
);
const tooMany: readonly Partial<ProfileLimits>[] = [
  { maxSamples: 2 },
  { maxSampleTypes: 1 },
  { maxMappings: 1 },
  { maxLocations: 2 },
  { maxFunctions: 2 },
  { maxStrings: 3 },
  { maxTypeBytes: 4 },
  { maxStackDepth: 2 },
  { maxLabelsPerSample: 1 },
];

for (const limit of tooMany) {
  test(`has no verdict on a profile over ${JSON.stringify(limit)}`, () => {
    assert.notEqual(ask(many), undefined);
    assert.equal(ask(many, { ...DEFAULT_PROFILE_LIMITS, ...limit }), undefined);
  });
}

test('takes a profile out of gzip, and gives one', () => {
  const [first, second] = snapshots(40);
  const state = computeDelta({ profile: first, state: undefined, plan }).state;
  const expected = computeDelta({ profile: second, state, plan });
  const content = new ProfileBody(gzipSync(second), 1e9);
  const made = engineDelta({ content, form: 'gzip', state, plan });
  assert.ok(made?.kind === 'delta' && expected.kind === 'delta');
  assert.deepEqual(inflated(made.profile), expected.profile);
  assert.equal(content.inflated, undefined);
});

test('compresses a large delta part by part, with matches from one to the next', () => {
  const [first, second] = snapshots(9000);
  const state = computeDelta({ profile: first, state: undefined, plan }).state;
  const expected = computeDelta({ profile: second, state, plan });
  const made = engineDelta({ content: new ProfileBody(second, 1e9), form: 'gzip', state, plan });
  assert.ok(made?.kind === 'delta' && expected.kind === 'delta');
  assert.ok(expected.profile.length > 2 * 256 * 1024, `${expected.profile.length} bytes`);
  assert.ok(Buffer.from(inflated(made.profile)).equals(expected.profile));
  assert.ok(made.profile.length < 1.1 * gzipSync(expected.profile).length, `${made.profile.length} bytes`);
});

test('goes on from a state of the other engine, and the other way round', () => {
  const [first, second, third] = snapshots(300);
  const ours = engineDelta({ content: new ProfileBody(first, 1e9), form: 'pprof', state: undefined, plan });
  const theirs = computeDelta({ profile: second, state: ours?.state, plan });
  const again = engineDelta({ content: new ProfileBody(third, 1e9), form: 'pprof', state: theirs.state, plan });
  assert.deepEqual(again, computeDelta({ profile: third, state: theirs.state, plan }));
  assert.ok(again?.kind === 'delta' && !again.isReset && again.samples > 0);
});

test('takes a small profile after a huge one, whose memory it gives back', () => {
  const run = new EngineRun();
  run.next(heapSnapshots(12_000)());
  const small = new EngineRun();
  small.next(bytes);
  assert.equal(small.delta(bytes).samples, 1);
  assert.deepEqual([run.taken, small.taken], [1, 2]);
});

test('asks for no memory for the entries of a profile that has far too many', () => {
  const many = Buffer.alloc(16 * 1024 * 1024);
  for (let at = 0; at < many.length; at += 2) many[at] = at === 0 ? 0x0a : 0x32;
  const engine = engineFor(many.length);
  const content = new ProfileBody(many, many.length);
  assert.equal(engineDelta({ content, form: 'pprof', state: undefined, plan }), undefined);
  assert.ok(engine && engine.calls.memory.buffer.byteLength < 2 * many.length);
});

test('gives back what a profile that it gave up on made the memory grow by', () => {
  const strings = Buffer.alloc(2 * 900_000);
  for (let at = 0; at < strings.length; at += 2) strings[at] = 0x32;
  const odd = concat(bytes, strings, bytesField(6, new Uint8Array(12 * 1024 * 1024)), sampleWith(varintField(9, 1)));
  const engine = engineFor(odd.length);
  assert.equal(ask(odd), undefined);
  assert.ok(engine && engine.calls.memory.buffer.byteLength > 20 * 1024 * 1024);
  assert.notEqual(engineFor(0), engine);
});

test('says where a sum of duplicates passes int64 through the engine in TypeScript', () => {
  const huge = 2n ** 63n - 1n;
  const summed = buildProfile(snapshot([sample([at('a')], [huge, 1n]), sample([at('a')], [1n, 1n])]));
  assert.equal(ask(summed), undefined);
  assert.throws(() => makeDelta({ content: new ProfileBody(summed, 1e9), state: undefined, plan }), /64 bits/);
});

test('without WebAssembly the engine in TypeScript does all', () => {
  // Node's own client for HTTP needs it too, so that only commands without one go on.
  const [before, after] = [1, 2].map((number) => `fixtures/profiles/recorded/prometheus-heap-${number}.pb.gz`);
  const args = runModule('src/cli/dev.ts', 'delta', before ?? '', after ?? '', '-o', '-');
  const plain = spawnSync(process.execPath, ['--jitless', ...args]);
  const made = spawnSync(process.execPath, args);
  assert.equal(plain.status, 0, String(plain.stderr));
  assert.deepEqual(inflated(plain.stdout), inflated(made.stdout));
});

/** Of a growing heap, three in a row. */
function snapshots(samples: number): [Uint8Array, Uint8Array, Uint8Array] {
  const next = heapSnapshots(samples);
  return [next(), next(), next()];
}

function heapSnapshots(samples: number): () => Uint8Array {
  const heap = new GoHeap({ samples });
  return () => {
    heap.advance({ changed: 0.3 });
    return buildProfile(heap.snapshot());
  };
}
