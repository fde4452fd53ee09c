import type { FrameSpec, MappingSpec, ProfileSpec, SampleSpec } from './build-profile.ts';
import { Random } from './random.ts';

/**
 * Snapshots of a heap that grows, in the shape of Go's runtime: four sample types, a `bytes` label, call paths of a program
 * with shared callers, new buckets in front, a known part of the buckets changed from one snapshot to the next.
 */
export class GoHeap {
  readonly #random: Random;
  readonly #frames: readonly FrameSpec[];
  readonly #kind: GoProfileKind;
  #buckets: Bucket[] = [];
  #timeNanos = 1_700_000_000_123_456_789n;

  constructor(options: { readonly samples: number; readonly seed?: number; readonly kind?: GoProfileKind }) {
    this.#random = new Random(options.seed ?? 1);
    this.#kind = options.kind ?? 'heap';
    this.#frames = programFrames(Math.ceil(40 * Math.sqrt(options.samples)), this.#random);
    this.#addBuckets(options.samples);
  }

  /** The snapshot as it stands. */
  snapshot(): ProfileSpec {
    const samples = this.#buckets.map((bucket) => this.#sample(bucket));
    const isHeap = this.#kind === 'heap';
    return {
      sampleTypes: isHeap ? HEAP_TYPES : CONTENTION_TYPES,
      periodType: isHeap ? { type: 'space', unit: 'bytes' } : { type: 'contentions', unit: 'count' },
      period: isHeap ? 524_288n : 1n,
      mappings: [MAIN_BINARY, LIBC, VDSO],
      samples,
      timeNanos: this.#timeNanos,
    };
  }

  /** Lets time pass: a part of the buckets counts on, some are new. */
  advance({ changed, added = 0 }: { readonly changed: number; readonly added?: number }): void {
    this.#timeNanos += 15_000_000_000n;
    const count = Math.round(this.#buckets.length * changed);
    for (let done = 0; done < count; done++) {
      const bucket = this.#random.pick(this.#buckets);
      const more = 1 + this.#random.below(50);
      bucket.allocated += more;
      bucket.freed = Math.min(bucket.allocated, bucket.freed + this.#random.below(2 * more));
    }
    this.#addBuckets(added);
  }

  #sample(bucket: Bucket): SampleSpec {
    const size = BigInt(bucket.size);
    const live = bucket.allocated - bucket.freed;
    if (this.#kind === 'contention') {
      return { stack: bucket.stack, values: [BigInt(bucket.allocated), BigInt(bucket.allocated) * size * 977n] };
    }
    return {
      stack: bucket.stack,
      values: [BigInt(bucket.allocated), BigInt(bucket.allocated) * size, BigInt(live), BigInt(live) * size],
      labels: [{ key: 'bytes', num: size }],
    };
  }

  #addBuckets(count: number): void {
    const added: Bucket[] = [];
    for (let made = 0; made < count; made++) {
      const allocated = 1 + this.#random.below(this.#random.pick([4, 100, 10_000, 1_000_000]));
      added.push({
        stack: this.#stack(added),
        size: 8 << this.#random.below(14),
        allocated,
        freed: this.#random.chance(0.6) ? allocated : this.#random.below(allocated),
      });
    }
    this.#buckets = [...added, ...this.#buckets];
  }

  /** Most stacks fork off one made shortly before near its leaf: programs allocate in phases, along the paths of a tree. */
  #stack(recent: readonly Bucket[]): readonly FrameSpec[] {
    const depth = 10 + this.#random.below(21);
    const near = this.#random.chance(0.75) ? recent[recent.length - 1 - this.#random.below(100)] : undefined;
    const shared = near ? near.stack.slice(1 + this.#random.below(6)) : [];
    const own = Array.from({ length: Math.max(1, depth - shared.length) }, () => this.#random.pick(this.#frames));
    return [...own, ...shared];
  }
}

export type GoProfileKind = 'heap' | 'contention';

interface Bucket {
  readonly stack: readonly FrameSpec[];
  readonly size: number;
  allocated: number;
  freed: number;
}

export const HEAP_TYPES = [
  { type: 'alloc_objects', unit: 'count' },
  { type: 'alloc_space', unit: 'bytes' },
  { type: 'inuse_objects', unit: 'count' },
  { type: 'inuse_space', unit: 'bytes' },
] as const;

export const CONTENTION_TYPES = [
  { type: 'contentions', unit: 'count' },
  { type: 'delay', unit: 'nanoseconds' },
] as const;

export const MAIN_BINARY: MappingSpec = {
  start: 0x40_0000n,
  limit: 0x1c0_0000n,
  filename: '/usr/local/bin/shop',
  buildId: 'b7e23ec29af22b0b4e41da31e868d57226121c84',
  hasFunctions: true,
};

const LIBC: MappingSpec = {
  start: 0x7f2b_3c02_6000n,
  limit: 0x7f2b_3c17_c000n,
  offset: 0x2_6000n,
  filename: '/usr/lib/x86_64-linux-gnu/libc.so.6',
};

const VDSO: MappingSpec = { start: 0xffff_ffff_ff60_0000n, limit: 0xffff_ffff_ff60_1000n, filename: '[vsyscall]' };

const PACKAGES = [
  'runtime',
  'net/http',
  'encoding/json',
  'database/sql',
  'example.com/shop/cart',
  'example.com/shop/payment',
  'google.golang.org/grpc/internal/transport',
  'github.com/prometheus/client_golang/prometheus',
];

function programFrames(count: number, random: Random): FrameSpec[] {
  const frames: FrameSpec[] = [];
  let address = 0x40_1000n;
  for (let made = 0; made < count; made++) {
    address += BigInt(16 + random.below(480));
    const inlined = random.chance(0.15) ? 1 + random.below(3) : 0;
    frames.push({
      address,
      mapping: MAIN_BINARY,
      lines: Array.from({ length: 1 + inlined }, () => {
        const path = random.pick(PACKAGES);
        const number = random.below(count);
        return {
          name: `${path}.(*${['server', 'conn', 'worker', 'cache'][number % 4]}).handle${number}`,
          filename: `/usr/src/${path}/file_${number % 40}.go`,
          startLine: BigInt(1 + (number % 900)),
          line: BigInt(1 + (number % 900) + random.below(60)),
        };
      }),
    });
  }
  return frames;
}
