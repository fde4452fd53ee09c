import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeltaTracker } from '../src/delta/delta-tracker.ts';
import { recordedProfiles } from '../test/support/recorded-profiles.ts';
import { TrackerRun } from '../test/support/tracker-run.ts';
import { bundle } from './bundle.ts';
import { allSeries, generatedSeries, type Series } from './inputs.ts';
import { median } from './measure.ts';
import { type Figure, type Goal, short, table } from './report.ts';

const FIXED_BYTES = 1000;
const KEPT_GOAL: Goal = { must: 32, aim: 26, better: 'lower', unit: ' B/sample' };
const PEAK_GOAL: Goal = { must: 3, aim: 2, better: 'lower', unit: 'x' };
const PEAK_ROUNDS = 5;

/** What a tracker keeps of a target between scrapes: bytes for each sample beyond the first kB. */
export async function benchKept(): Promise<Figure[]> {
  if (globalThis.gc === undefined) throw new Error('node --expose-gc is needed');
  const figures: Figure[] = [];
  const rows: (string | number)[][] = [];
  for (const series of allSeries()) {
    const bytes = await keptBytes(series);
    const perSample = Math.max(0, bytes - FIXED_BYTES) / series.samples;
    rows.push([series.name, series.samples, short(bytes), short(bytes / series.samples), short(perSample)]);
    figures.push({ figure: 'kept for a target, over 1 kB', input: series.name, value: perSample, goal: KEPT_GOAL });
  }
  console.log(`\n${table(['series', 'samples', 'bytes kept', 'a sample', 'a sample beyond 1 kB'], rows)}`);
  return figures;
}

/** Bytes for one target, from many of them after the last snapshot of the series. */
async function keptBytes({ name, raw, gzip, samples }: Series): Promise<number> {
  // So many that what the process itself takes meanwhile hardly counts.
  const targets = Math.max(20, Math.min(2000, Math.round(400_000 / samples)));
  const tracker = createDeltaTracker({ maxStateAgeMs: 86_400_000 });
  const profile = name.includes('heap') ? 'mem' : 'block';
  const feed = async (key: string): Promise<void> => {
    const run = new TrackerRun({ tracker, key, profile });
    for (const [at, pprof] of raw.entries()) await run.nextResponse(gzip[at] ?? pprof, pprof, at * 15);
    tracker.keep(key);
  };
  await feed('warm-up');
  const before = retained();
  for (let number = 0; number < targets; number++) await feed(String(number).padStart(16, '0'));
  const after = retained();
  if ([...tracker.keys()].length !== targets + 1) throw new Error('the tracker lost a target');
  return (after - before) / targets;
}

/** Heap and what lies outside of it, after collections that leave nothing to collect. */
function retained(): number {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The largest resident size of a process that makes deltas of 50k samples, over that of one that makes small ones. */
export async function benchPeak(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-'));
  try {
    const child = await bundle('peak-child.ts');
    const floor = peakOf('floor', recordedProfiles().get('etcd-mutex') ?? [], directory, child);
    const { gzip, raw } = generatedSeries('heap-50k');
    const large = peakOf('large', gzip, directory, child);
    const rawBytes = raw.at(-1)?.length ?? Number.NaN;
    console.log(
      `\nPeak RSS ${short(large / 1e6)} MB with ${short(rawBytes / 1e6)} MB profiles, ${short(floor / 1e6)} MB with small ones.`,
    );
    const value = (large - floor) / rawBytes;
    return [{ figure: 'peak RSS over the floor / uncompressed size', input: 'heap-50k', value, goal: PEAK_GOAL }];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Bytes; the median of some processes. */
function peakOf(name: string, bodies: readonly Uint8Array[], directory: string, child: string): number {
  const files = bodies.map((body, index) => {
    const path = join(directory, `${name}-${index}.pb.gz`);
    writeFileSync(path, body);
    return path;
  });
  const peaks = Array.from({ length: PEAK_ROUNDS }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [child, ...files], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return Number(stdout) * 1024;
  });
  return median(peaks);
}
