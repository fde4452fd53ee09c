import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GoAnswer, GoSide } from './go-side.ts';
import { generatedSeries } from './inputs.ts';
import { median } from './measure.ts';
import { type Figure, type Goal, short, table } from './report.ts';

const PYRO_PULL = join(import.meta.dirname, '../bin/pyro-pull.js');
const ROUNDS = 5;

const GOALS: Readonly<Record<string, Goal>> = {
  'heap-10k': { must: 0.5, aim: 0.2, better: 'lower', unit: 'x' },
  'heap-50k': { must: 0.15, aim: 0.07, better: 'lower', unit: 'x' },
};

/** `pyro-pull delta` of two files against `go tool pprof -proto -diff_base`: whole processes, start-up and all. The variable PPROF names another pprof. */
export async function benchOneShot(): Promise<Figure[]> {
  const pprof = process.env['PPROF'] ?? pprofBinary();
  if (pprof === undefined) return leftOut('no `go tool pprof` here');
  if (!existsSync(PYRO_PULL) || spawnSync(process.execPath, [PYRO_PULL, 'delta', '--help']).status !== 0) {
    return leftOut('pyro-pull has no `delta` command; run `npm run build`');
  }
  // One of its own: on Linux a program begins with the peak size of the process that starts it.
  const go = GoSide.start();
  if (typeof go === 'string') return leftOut(go);
  const directory = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-'));
  try {
    return await compare(go, pprof, directory);
  } finally {
    go.stop();
    rmSync(directory, { recursive: true });
  }
}

async function compare(go: GoSide, pprof: string, directory: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const [name, goal] of Object.entries(GOALS)) {
    const { gzip } = generatedSeries(name);
    const [before = '', after = ''] = gzip.slice(0, 2).map((body, index) => {
      const path = join(directory, `${name}-${index}.pb.gz`);
      writeFileSync(path, body);
      return path;
    });
    const out = join(directory, 'out.pb.gz');
    const ours: GoAnswer[] = [];
    const theirs: GoAnswer[] = [];
    const floors: GoAnswer[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await go.ask('exec', process.execPath, PYRO_PULL, 'delta', before, after, '-o', out));
      // The binary behind `go tool pprof`, without the go command in front of it.
      theirs.push(await go.ask('exec', pprof, '-proto', `-output=${out}`, '-diff_base', before, after));
      floors.push(await go.ask('exec', process.execPath, '-e', '0'));
    }
    const cpu = (answers: readonly GoAnswer[]): number => median(answers.map(({ cpuMicros }) => cpuMicros)) / 1000;
    const wall = (answers: readonly GoAnswer[]): number => median(answers.map(({ wallMicros }) => wallMicros)) / 1000;
    const rss = (answers: readonly GoAnswer[]): number => median(answers.map(({ maxRssKiB = 0 }) => maxRssKiB)) / 1024;
    for (const [program, answers] of Object.entries({
      'pyro-pull delta': ours,
      'go tool pprof': theirs,
      'node -e 0': floors,
    })) {
      rows.push([name, program, ...[cpu, wall, rss].map((figure) => short(figure(answers)))]);
    }
    figures.push({ figure: 'one-shot delta / go tool pprof', input: name, value: cpu(ours) / cpu(theirs), goal });
  }
  console.log(`\n${table(['input', 'program', 'CPU ms', 'wall ms', 'RSS MiB'], rows)}`);
  return figures;
}

function pprofBinary(): string | undefined {
  const { status, stdout } = spawnSync('go', ['tool', '-n', 'pprof'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function leftOut(reason: string): Figure[] {
  console.log(`\nLeft out: ${reason}`);
  return [];
}
