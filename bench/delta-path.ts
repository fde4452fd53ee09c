import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compressProfile } from '../src/delta/compress-profile.ts';
import type { DeltaState } from '../src/delta/delta-state.ts';
import { computeDelta, type DeltaMade, type DeltaResult } from '../src/delta/engine.ts';
import { engineDelta } from '../src/delta/engine-delta.ts';
import { makeDelta } from '../src/delta/make-delta.ts';
import { isGzip } from '../src/profile/gunzip.ts';
import { openProfile } from '../src/profile/open-profile.ts';
import { ProfileBody } from '../src/profile/profile-body.ts';
import { readProfileSummary } from '../src/profile/profile-summary.ts';
import { type ProfileHeader, validateProfile } from '../src/profile/validate-profile.ts';
import { isCumulativeInGo } from '../test/support/naive-delta.ts';
import type { GoSide } from './go-side.ts';
import type { Series } from './inputs.ts';
import { type Contestant, inProcess, measure, median } from './measure.ts';
import { type Figure, type Goal, short, table } from './report.ts';

const FLOOR_GOAL: Goal = { must: 1.7, aim: 1.1, better: 'lower', unit: 'x' };
/** Where little comes out, gzip of it costs next to nothing, and the delta itself is most of the work. */
const SMALL_OUTPUT_FLOOR_GOAL: Goal = { ...FLOOR_GOAL, must: 2.2 };
const GOOGLE_GOAL: Goal = { must: 15, aim: 30, better: 'higher', unit: 'x' };
const SPEED_GOAL: Goal = { must: 120, aim: 300, better: 'higher', unit: ' MB/s' };
const SIZE_GOAL: Goal = { must: 1.1, aim: 1.05, better: 'lower', unit: 'x' };
const MAX_BYTES = 64 * 1024 * 1024;

interface Step {
  readonly raw: Uint8Array;
  readonly gzip: Uint8Array;
  readonly state: DeltaState;
  readonly output: Uint8Array;
}

interface Row {
  readonly series: Series;
  readonly rawOut: number;
  readonly bytesOut: number;
  readonly deltaMicros: number;
  readonly pathMicros: number;
  /** The engine in TypeScript alone, with zlib. */
  readonly plainDeltaMicros: number;
  readonly plainPathMicros: number;
  readonly floorMicros: number;
  readonly googleMicros: number;
  readonly sizeRatio: number;
}

function planFor(header: ProfileHeader) {
  return {
    columns: header.sampleTypes.map((type) => (isCumulativeInGo(type) ? ('subtract' as const) : ('keep' as const))),
    timeNanos: header.timeNanos,
    durationNanos: 15_000_000_000n,
  };
}

/** By the engine in WebAssembly, which must not give up on what is measured. */
function delta(profile: Uint8Array, state: DeltaState): DeltaMade {
  const content = new ProfileBody(profile, MAX_BYTES);
  return made(engineDelta({ content, form: 'pprof', state, plan: planFor }));
}

/** By the engine in TypeScript. */
function plainDelta(profile: Uint8Array, state: DeltaState): DeltaMade {
  return made(computeDelta({ profile, state, plan: planFor }));
}

/** From a gzip'd snapshot to a gzip'd delta, as users run it. */
function path(gzip: Uint8Array, state: DeltaState): Uint8Array {
  const { profile } = made(makeDelta({ content: new ProfileBody(gzip, MAX_BYTES), state, plan: planFor }));
  if (!isGzip(profile)) throw new Error('the engine in WebAssembly gave up');
  return profile;
}

function made(result: DeltaResult | undefined): DeltaMade {
  if (result?.kind !== 'delta') throw new Error(`${result?.kind} instead of a delta`);
  return result;
}

/** Every snapshot but the first, with the state that it meets and what comes out. */
function stepsOf({ raw, gzip }: Series): Step[] {
  const steps: Step[] = [];
  let state: DeltaState | undefined;
  for (const [index, profile] of raw.entries()) {
    const result = computeDelta({ profile, state, plan: planFor });
    if (state !== undefined && result.kind === 'delta') {
      if (result.isReset) throw new Error('a reset in a steady series');
      steps.push({ raw: profile, gzip: gzip[index] ?? new Uint8Array(0), state, output: result.profile });
    }
    state = result.state;
  }
  return steps;
}

/** An operation that goes on to the next step with each call. */
function inTurn(steps: readonly Step[], operation: (step: Step) => unknown): () => unknown {
  let next = 0;
  return () => {
    const step = steps[next++ % steps.length];
    return step === undefined ? undefined : operation(step);
  };
}

/** The delta of gzip'd snapshots: alone, with its gzip on both sides, against zlib's floor and Google's library. */
export async function benchDeltaPath(all: Iterable<Series>, go: GoSide | string): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-'));
  try {
    const rows: Row[] = [];
    for (const series of all) rows.push(await benchSeries(series, go, directory));
    print(rows);
    if (typeof go === 'string') console.log(`\nGoogle's pprof library left out: ${go}`);
    return figuresOf(rows);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Where the time of the path goes: a row for each series, its stages measured alone. No goals. */
export async function benchStages(all: Iterable<Series>): Promise<Figure[]> {
  const rows: string[][] = [];
  let columns: string[] = [];
  for (const series of all) {
    const steps = stepsOf(series);
    const micros = await measure([
      inProcess(
        'gunzip',
        inTurn(steps, ({ gzip }) => openProfile(gzip, MAX_BYTES)),
      ),
      inProcess(
        'read and check',
        inTurn(steps, ({ raw }) => validateProfile(raw)),
      ),
      inProcess(
        'delta, reading included',
        inTurn(steps, ({ raw, state }) => plainDelta(raw, state)),
      ),
      inProcess(
        'gzip',
        inTurn(steps, ({ output }) => compressProfile(output)),
      ),
      inProcess(
        'WebAssembly: delta, reading included',
        inTurn(steps, ({ raw, state }) => delta(raw, state)),
      ),
      inProcess(
        'WebAssembly: all',
        inTurn(steps, ({ gzip, state }) => path(gzip, state)),
      ),
    ]);
    columns = ['series', ...micros.keys()];
    rows.push([series.name, ...[...micros.values()].map(short)]);
  }
  console.log(`\n${table(columns, rows)}`);
  return [];
}

async function benchSeries(series: Series, go: GoSide | string, directory: string): Promise<Row> {
  const steps = stepsOf(series);
  const contestants: Contestant[] = [
    inProcess(
      'delta',
      inTurn(steps, ({ raw, state }) => delta(raw, state)),
    ),
    inProcess(
      'path',
      inTurn(steps, ({ gzip, state }) => path(gzip, state)),
    ),
    inProcess(
      'plain delta',
      inTurn(steps, ({ raw, state }) => plainDelta(raw, state)),
    ),
    inProcess(
      'plain path',
      inTurn(steps, ({ gzip, state }) => compressProfile(plainDelta(openProfile(gzip, MAX_BYTES), state).profile)),
    ),
    inProcess(
      'floor',
      inTurn(steps, ({ gzip, output }) => [gunzipSync(gzip), gzipSync(output, { level: 1 })]),
    ),
  ];
  if (typeof go !== 'string') contestants.push(await google(series, go, directory, steps.at(-1)));
  const micros = await measure(contestants, series.samples > 5000 ? { rounds: 7, turnMicros: 100_000 } : {});
  const outputs = steps.map(({ output }) => output);
  const bytesOut = sum(steps.map(({ gzip, state }) => path(gzip, state).length));
  return {
    series,
    rawOut: sum(outputs.map(({ length }) => length)) / outputs.length,
    bytesOut: bytesOut / outputs.length,
    deltaMicros: micros.get('delta') ?? Number.NaN,
    pathMicros: micros.get('path') ?? Number.NaN,
    plainDeltaMicros: micros.get('plain delta') ?? Number.NaN,
    plainPathMicros: micros.get('plain path') ?? Number.NaN,
    floorMicros: micros.get('floor') ?? Number.NaN,
    googleMicros: micros.get('google') ?? Number.NaN,
    sizeRatio: bytesOut / sum(outputs.map((output) => gzipSync(output, { level: 6 }).length)),
  };
}

/** Google's library on the last two snapshots, after a check that it comes to the same totals. */
async function google(series: Series, go: GoSide, directory: string, last: Step | undefined): Promise<Contestant> {
  const name = series.name.replaceAll('%', '');
  const files = series.gzip.slice(-2).map((body, index) => {
    const path = join(directory, `${name}-${index}.pb.gz`);
    writeFileSync(path, body);
    return path;
  });
  await go.ask('load', name, ...files);
  const { totals = {} } = await go.ask('delta', name, '1');
  const ours = readProfileSummary(last?.output ?? new Uint8Array(0));
  for (const [column, { type }] of ours.sampleTypes.entries()) {
    const theirs = totals[type];
    // JSON numbers are exact up to 2^53, which these totals are below.
    if (Number(ours.totals[column]) !== theirs) {
      throw new Error(`${series.name}: ${type} is ${ours.totals[column]} here and ${theirs} in Google's library`);
    }
  }
  return { name: 'google', run: async (times) => (await go.ask('delta', name, String(times))).cpuMicros };
}

function print(rows: readonly Row[]): void {
  console.log(
    '\nMicroseconds of CPU for one profile; path = gunzip + delta + gzip, floor = gunzip + gzip of zlib alone;',
  );
  console.log('the last two columns are those of the engine in TypeScript, with zlib.\n');
  console.log(
    table(
      [
        'series',
        'samples',
        'kB in',
        'kB gz in',
        'kB out',
        'kB gz out',
        'delta',
        'MB/s',
        'path',
        'floor',
        'Google',
        'size',
        'TypeScript: delta',
        'path',
      ],
      rows.map((row) => {
        const { raw, gzip } = row.series;
        return [
          row.series.name,
          row.series.samples,
          short((raw.at(-1)?.length ?? 0) / 1000),
          short((gzip.at(-1)?.length ?? 0) / 1000),
          short(row.rawOut / 1000),
          short(row.bytesOut / 1000),
          short(row.deltaMicros),
          short(speed(row)),
          `${short(row.pathMicros)} (${short(row.pathMicros / row.floorMicros)}x floor)`,
          short(row.floorMicros),
          `${short(row.googleMicros)} (${short(row.googleMicros / row.pathMicros)}x path)`,
          short(row.sizeRatio),
          short(row.plainDeltaMicros),
          `${short(row.plainPathMicros)} (${short(row.plainPathMicros / row.floorMicros)}x floor)`,
        ];
      }),
    ),
  );
}

/** Bytes in a microsecond are MB a second. */
function speed({ series, deltaMicros }: Row): number {
  const inputs = series.raw.slice(1);
  return sum(inputs.map(({ length }) => length)) / inputs.length / deltaMicros;
}

function figuresOf(rows: readonly Row[]): Figure[] {
  const figures: Figure[] = [];
  for (const row of rows) {
    const input = row.series.name;
    const isSmallOutput = row.rawOut < 0.33 * (row.series.raw.at(-1)?.length ?? 0);
    figures.push({
      figure: 'gunzip + delta + gzip / zlib alone',
      input,
      value: row.pathMicros / row.floorMicros,
      goal: isSmallOutput ? SMALL_OUTPUT_FLOOR_GOAL : FLOOR_GOAL,
    });
    if (Number.isFinite(row.googleMicros)) {
      figures.push({
        figure: "Google's library / gunzip + delta + gzip",
        input,
        value: row.googleMicros / row.pathMicros,
        goal: GOOGLE_GOAL,
      });
    }
    if (row.series.samples >= 1000) {
      figures.push({ figure: 'delta alone', input, value: speed(row), goal: SPEED_GOAL });
    }
    const latency = LATENCY_GOALS[input];
    if (latency) figures.push({ figure: 'delta of a small profile', input, value: row.deltaMicros, goal: latency });
  }
  const sizes = rows.map(({ sizeRatio }) => sizeRatio);
  figures.push({ figure: 'bytes out / gzip level 6', input: 'median', value: median(sizes), goal: SIZE_GOAL });
  return figures;
}

/** The recorded profiles nearest to 15 and 250 samples. */
const LATENCY_GOALS: Readonly<Record<string, Goal>> = {
  'etcd-mutex': { must: 40, aim: 20, better: 'lower', unit: ' µs' },
  'prometheus-block': { must: 250, aim: 100, better: 'lower', unit: ' µs' },
  'etcd-heap': { must: 250, aim: 100, better: 'lower', unit: ' µs' },
};

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
