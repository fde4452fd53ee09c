import fc from 'fast-check';
import type { SampleType } from '../../src/profile/sample-type.ts';
import type { FrameSpec, LabelSpec, Layout, LineSpec, MappingSpec, ProfileSpec, SampleSpec } from './build-profile.ts';
import { CONTENTION_TYPES, HEAP_TYPES } from './go-heap.ts';
import { Random } from './random.ts';

/**
 * How many cases each property tries: `PROPERTY_RUNS` times the usual number. The seed of a failing run is printed with it;
 * `PROPERTY_SEED` repeats it.
 */
export function propertyRuns(usual: number): { readonly numRuns: number; readonly seed?: number } {
  const factor = Number(process.env['PROPERTY_RUNS'] ?? 1);
  const seed = process.env['PROPERTY_SEED'];
  return { numRuns: Math.ceil(usual * factor), ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

/** Every legal way to write a profile. */
export const layoutArbitrary: fc.Arbitrary<Layout> = fc.record({
  order: fc.constantFrom('go', 'google', 'reversed', 'shuffled'),
  packing: fc.constantFrom('auto', 'packed', 'unpacked', 'mixed'),
  ids: fc.constantFrom('dense', 'shuffled', 'sparse', 'wide'),
  strings: fc.constantFrom('first-use', 'shuffled'),
  unknownFields: fc.boolean(),
  explicitZeros: fc.boolean(),
  padding: fc.constantFrom(0, 0, 0, 1, 9),
  permuteSamples: fc.constant(false),
  permuteLabels: fc.boolean(),
  splitSamples: fc.boolean(),
  seed: fc.noShrink(fc.nat()),
});

/** The snapshots of one cumulative profile in a row, with everything that happens to them. */
export interface History {
  readonly snapshots: readonly ProfileSpec[];
}

export interface HistoryOptions {
  readonly length?: number;
  /** True for counters that never fall and samples that never vanish: one process, one life. */
  readonly isSteady?: boolean;
}

/**
 * Histories over a small world of frames and labels, so that stacks share prefixes, ids and strings, and near-misses of
 * identity are common. fast-check draws the seed; a small world keeps a counterexample readable without shrinking the rest.
 */
export function historyArbitrary({ length = 4, isSteady = false }: HistoryOptions = {}): fc.Arbitrary<History> {
  return fc
    .record({
      seed: fc.noShrink(fc.nat()),
      stacks: fc.integer({ min: 0, max: 24 }),
      length: fc.integer({ min: 2, max: length }),
    })
    .map(({ seed, stacks, length: count }) => ({
      snapshots: makeHistory(new Random(seed), stacks, count, isSteady),
      // A counterexample is printed by what it was made from; the snapshots themselves are too long to read.
      [fc.toStringMethod]: () => `history ${JSON.stringify({ seed, stacks, length: count, isSteady })}`,
    }));
}

interface Counter {
  readonly stack: readonly FrameSpec[];
  readonly labels: readonly LabelSpec[];
  values: bigint[];
  isPresent: boolean;
}

/** So many snapshots, from so many stacks at first. */
export function makeHistory(random: Random, stacks: number, length: number, isSteady: boolean): ProfileSpec[] {
  const isHeap = random.chance(0.6);
  const sampleTypes: readonly SampleType[] = isHeap ? HEAP_TYPES : CONTENTION_TYPES;
  const world = makeWorld(random);
  const bits = BigInt(random.pick([6, 6, 20, 33, 52, 54, 58]));
  const amount = (): bigint => (random.chance(0.3) ? 0n : BigInt.asUintN(Number(bits), random.bits64()));
  const counters: Counter[] = [];
  const add = (): void => {
    counters.splice(random.below(counters.length + 1), 0, {
      ...world.draw(),
      values: sampleTypes.map(amount),
      isPresent: true,
    });
  };
  for (let made = 0; made < stacks; made++) add();

  const snapshots: ProfileSpec[] = [];
  for (let step = 0; step < length; step++) {
    const present = counters.filter(({ isPresent }) => isPresent);
    const samples: SampleSpec[] = present.map(({ stack, labels, values }) => ({ stack, labels, values: [...values] }));
    if (!isSteady && random.chance(0.1) && samples.length > 0)
      samples.push({ ...random.pick(samples), values: sampleTypes.map(() => 3n) });
    snapshots.push({
      sampleTypes: !isSteady && random.chance(0.05) ? random.shuffled(sampleTypes) : sampleTypes,
      periodType: isHeap ? { type: 'space', unit: 'bytes' } : { type: 'contentions', unit: 'count' },
      period: 1n,
      mappings: world.mappings,
      samples: random.chance(0.3) && !isSteady ? random.shuffled(samples) : samples,
      timeNanos: 1_700_000_000_000_000_000n + BigInt(step) * 15_000_000_000n,
      ...(random.chance(0.2) ? { comments: ['a comment', 'alloc_space'], docUrl: 'https://example.com' } : {}),
    });

    const isRestart = !isSteady && random.chance(0.1);
    for (const counter of counters) {
      if (isRestart) {
        counter.values = counter.values.map((value) => value >> 7n);
        counter.isPresent = random.chance(0.5);
      } else if (random.chance(0.5)) {
        const isFalling = !isSteady && random.chance(0.04);
        counter.values = counter.values.map((value, column) => {
          if (isHeap && column > 1) return amount();
          return isFalling ? value - value / 3n : value + amount() / 2n;
        });
      }
      if (!isSteady && random.chance(0.12)) counter.isPresent = !counter.isPresent;
    }
    if (random.chance(0.5)) add();
  }
  return snapshots;
}

interface World {
  readonly mappings: readonly MappingSpec[];
  draw(): { readonly stack: readonly FrameSpec[]; readonly labels: readonly LabelSpec[] };
}

function makeWorld(random: Random): World {
  const mappings: MappingSpec[] = [
    { start: 0x40_0000n, limit: 0x80_0000n, filename: '/bin/app', buildId: random.pick(['', 'build']) },
    { start: 0x7f00_0000_0000n, limit: 0x7f00_0010_0000n, offset: 0x1000n, filename: 'lib.so' },
    { start: 0xffff_ffff_ff60_0000n, limit: 0xffff_ffff_ff60_1000n, filename: '[vsyscall]' },
    { filename: 'empty' },
  ];
  const hasMappings = random.chance(0.9);
  const texts = ['', 'f', 'g', 'main.go', 'alloc_space', 'bytes', 'é😀', 'x'.repeat(200)];
  const line = (): LineSpec => ({
    name: random.pick(texts),
    systemName: random.pick(texts),
    filename: random.pick(texts),
    line: BigInt(random.below(3)),
    column: BigInt(random.below(2)),
    startLine: BigInt(random.below(2)),
  });
  const frames = Array.from({ length: 6 }, (): FrameSpec => {
    const mapping = hasMappings && random.chance(0.7) ? random.pick(mappings) : undefined;
    const address = random.pick([
      0n,
      1n,
      0x40_0001n,
      0x40_0002n,
      0x7f00_0000_0001n,
      2n ** 63n + 5n,
      2n ** 32n,
      2n ** 64n - 1n,
    ]);
    return {
      address,
      ...(mapping ? { mapping } : {}),
      lines: Array.from({ length: random.below(3) }, line),
      isFolded: random.chance(0.1),
    };
  });
  const label = (): LabelSpec => {
    const key = random.pick(['bytes', 'k', 'f']);
    if (random.chance(0.4)) return { key, str: random.pick(texts) };
    return { key, num: random.pick([0n, 1n, 64n, -1n, 2n ** 40n]), unit: random.pick(['', '', 'bytes']) };
  };
  return {
    // The main binary comes first whatever the samples use.
    mappings: hasMappings ? mappings.slice(0, 1 + random.below(4)) : [],
    draw: () => ({
      stack: Array.from({ length: random.pick([0, 1, 1, 2, 3, 8]) }, () => random.pick(frames)),
      labels: Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, label),
    }),
  };
}
