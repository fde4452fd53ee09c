import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashSeed } from '../../src/delta/content-hash.ts';
import { SampleKeys } from '../../src/delta/sample-keys.ts';
import { DEFAULT_PROFILE_LIMITS } from '../../src/profile/limits.ts';
import { ProfileIndex } from '../../src/profile/profile-index.ts';
import { SampleReader } from '../../src/profile/sample-reader.ts';
import { buildProfile, type SampleSpec } from '../support/build-profile.ts';
import { at, sample, snapshot } from '../support/sample-table.ts';

const SEED: HashSeed = { a: 0x1234_5678, b: -0x0bad_cafe };

/** Both lanes of the key of each sample. */
function keysOf(samples: readonly SampleSpec[], seed = SEED): { a: number[]; b: number[] } {
  const index = new ProfileIndex();
  const reader = new SampleReader(index);
  const keys = new SampleKeys(index);
  index.fill(buildProfile(snapshot(samples)), DEFAULT_PROFILE_LIMITS);
  keys.start(seed);
  reader.start({ locations: keys.locations, seedA: seed.a, seedB: seed.b });
  const lanes: { a: number[]; b: number[] } = { a: [], b: [] };
  const values = new Int32Array(4);
  for (let number = 0; number < index.sampleCount; number++) {
    reader.read(number, values, 0);
    keys.make(reader.sample);
    lanes.a.push(keys.a);
    lanes.b.push(keys.b);
  }
  return lanes;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

/** Stacks that are as alike as stacks can be. */
function alikeStacks(): SampleSpec[] {
  const frames = 'abcdefgh'.split('').map(at);
  const stacks = permutations(frames);
  for (let depth = 1; depth <= 1000; depth++) {
    stacks.push(Array.from({ length: depth }, () => frames[0]!));
    stacks.push(Array.from({ length: depth }, (_, frame) => frames[frame === depth - 1 ? 1 : 0]!));
  }
  return stacks.slice(0, -1).map((stack) => sample(stack, [1n, 1n]));
}

function collisions(lane: readonly number[]): number {
  return lane.length - new Set(lane).size;
}

test('neither half of a key takes more stacks for equal than chance does', () => {
  const { a, b } = keysOf(alikeStacks());
  // 42,000 numbers of 32 bits: 0.2 pairs by chance. The stack [a] is in the list twice.
  assert.ok(collisions(a) <= 1 + 3, `${collisions(a)} in the first half`);
  assert.ok(collisions(b) <= 1 + 3, `${collisions(b)} in the second half`);
});

test('neither half of a key takes more labels for equal than chance does', () => {
  const samples = Array.from({ length: 30_000 }, (_, number) =>
    sample('main', [1n, 1n], [{ key: 'bytes', num: BigInt(number) * 16n }]),
  );
  const { a, b } = keysOf(samples);
  assert.ok(collisions(a) <= 3 && collisions(b) <= 3);
});

test('the halves of a key are independent of each other and of another seed', () => {
  const samples = alikeStacks().slice(0, 5000);
  const lanes = keysOf(samples);
  const others = keysOf(samples, { a: SEED.a + 1, b: SEED.b });
  const equalHalves = lanes.a.filter((half, at) => half === lanes.b[at]).length;
  const equalSeeds = lanes.a.filter((half, at) => half === others.a[at]).length;
  assert.deepEqual([equalHalves, equalSeeds], [0, 0]);
});
