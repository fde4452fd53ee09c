/**
 * The figures that the delta engine and the queue have to reach, measured in one run: `npm run bench`, or `npm run bench -- delta kept` for
 * some of them. CPU time of interleaved rounds, medians; ratios are worth more than numbers, which no two machines share.
 * Go, if there is one, gives the comparison with Google's pprof. Exit code 1 if a figure misses what it must.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { benchDeltaPath, benchStages } from './delta-path.ts';
import { GoSide } from './go-side.ts';
import { allSeries } from './inputs.ts';
import { benchKept, benchPeak } from './memory.ts';
import { benchOneShot } from './one-shot.ts';
import { benchQueue } from './queue.ts';
import { type Figure, figuresTable, short } from './report.ts';

/** The sub-benchmarks, each chosen by its name on the command line; all of them without a name. */
const BENCHMARKS: Readonly<Record<string, (go: GoSide | string) => Promise<Figure[]>>> = {
  delta: (go) => benchDeltaPath(allSeries(), go),
  stages: () => benchStages(allSeries()),
  kept: benchKept,
  peak: benchPeak,
  'one-shot': benchOneShot,
  queue: () => benchQueue(),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}

const [{ model = 'unknown CPU' } = {}] = cpus();
console.log(`Node ${process.version}, ${goVersion()}, ${cpus().length} x ${model}, ${load()}`);
const go = GoSide.start();
const figures: Figure[] = [];
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`\n## ${name}`);
  figures.push(...(await run(go)));
}
if (typeof go !== 'string') go.stop();

if (figures.length > 0) console.log(`\n## Goals\n\n${figuresTable(figures)}`);
const missed = figures.filter(({ value, goal }) => (goal.better === 'lower' ? value > goal.must : value < goal.must));
console.log(`\n${figures.length - missed.length} of ${figures.length} figures reach what they must; ${load()}.`);
process.exitCode = missed.length > 0 ? 1 : 0;

/** What else the machine does: beyond its number of processors everything takes longer, by caches alone. */
function load(): string {
  return `load average ${short(loadavg()[0] ?? Number.NaN)}`;
}

function goVersion(): string {
  return spawnSync('go', ['version'], { encoding: 'utf8' }).stdout?.trim() ?? 'no Go';
}
