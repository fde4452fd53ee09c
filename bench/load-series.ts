import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildProfile, type ProfileSpec } from '../test/support/build-profile.ts';
import { GoHeap } from '../test/support/go-heap.ts';

/** Enough for ten minutes at an interval of 15 s without the counters starting again. */
const SNAPSHOTS = 48;

/**
 * By profile: the samples of each shape. The target with number i serves shape i mod the count, so that the shapes are
 * spread as in the field: of twenty heaps nine of 5 kB (compressed), five of 11 kB, three of 21 kB, and one each of 50,
 * 100 and 200 kB; the others of 5 to 21 kB.
 */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  heap: [...Array(9).fill(10), ...Array(5).fill(40), ...Array(3).fill(110), 500, 1500, 3700],
  mutex: [10, 40, 10],
  block: [10, 110, 40],
  goroutine: [10, 40],
};

/** The directory of series for the program `bench/go/targets`, made at the first call and kept. */
export function loadSeries(): string {
  return keptSeries('load', SHAPES);
}

/** Profiles of a service that does little: ten samples each. */
export function idleSeries(): string {
  return keptSeries('idle', { heap: [10], mutex: [10], block: [10], goroutine: [10] });
}

/** One heap of 21 kB for all targets. */
export function singleSeries(): string {
  return keptSeries('single', { heap: [110] });
}

function keptSeries(name: string, shapes: Readonly<Record<string, readonly number[]>>): string {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pyro-pull');
  const dir = join(cache, `bench-series-${name}-1`);
  if (existsSync(dir)) return dir;
  const unfinished = `${dir}.${process.pid}`;
  for (const [profile, samples] of Object.entries(shapes)) {
    samples.forEach((count, shape) => {
      const series = join(unfinished, `${profile}-${String(shape).padStart(2, '0')}`);
      mkdirSync(series, { recursive: true });
      const heap = new GoHeap({ samples: count, seed: 1 + shape, kind: profile === 'heap' ? 'heap' : 'contention' });
      for (let number = 0; number < SNAPSHOTS; number++) {
        const spec = heap.snapshot();
        writeFileSync(join(series, `${number}.pb`), buildProfile(served(profile, spec)));
        heap.advance({ changed: 0.05, added: count / 1000 });
      }
    });
  }
  rmSync(dir, { recursive: true, force: true });
  renameSync(unfinished, dir);
  return dir;
}

/** Without the time, which is added by who serves it; the stacks of a contention profile as those of goroutines. */
function served(profile: string, { timeNanos: _, ...spec }: ProfileSpec): ProfileSpec {
  if (profile !== 'goroutine') return spec;
  const type = { type: 'goroutine', unit: 'count' };
  const samples = spec.samples.map(({ stack }, index) => ({ stack, values: [BigInt(1 + (index % 7))] }));
  return { ...spec, sampleTypes: [type], periodType: type, samples };
}
