import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Targets that cost little: `bench/go/targets` with prepared snapshots, spread over some processes. */
export interface LoadTargets {
  readonly addresses: readonly string[];
  counts(): Promise<LoadCounts>;
  /** CPU seconds so far, of all processes. */
  cpuSeconds(): number;
  stop(): void;
}

export interface LoadCounts {
  readonly served: number;
  readonly bytes: number;
  readonly connections: number;
}

export async function startLoadTargets(seriesDir: string, targets: number, processes: number): Promise<LoadTargets> {
  const executable = buildGoBench('targets');
  const children: ChildProcess[] = [];
  const stop = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', stop);
  const groups: string[][] = [];
  for (let index = 0; index < processes; index++) {
    const ports = Math.ceil(targets / processes);
    const child = spawn(executable, ['-dir', seriesDir, '-ports', String(ports)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const { value } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
    groups.push(JSON.parse(value).addresses);
  }
  const countsOf = async (address = ''): Promise<LoadCounts> =>
    JSON.parse(await (await fetch(`http://${address}/counts`)).text());
  return {
    // In turns, so that each process has all kinds of targets.
    addresses: Array.from(
      { length: targets },
      (_, index) => groups[index % processes]?.[Math.floor(index / processes)] ?? '',
    ),
    async counts() {
      const all = await Promise.all(groups.map(([first]) => countsOf(first)));
      const sum = (field: keyof LoadCounts) => all.reduce((total, counts) => total + counts[field], 0);
      return { served: sum('served'), bytes: sum('bytes'), connections: sum('connections') };
    },
    cpuSeconds: () => children.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : cpuSecondsOf(pid)), 0),
    stop,
  };
}

/** Builds a program below `bench/go` and gives its path. */
export function buildGoBench(name: string): string {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pyro-pull');
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `bench-go-${name}`);
  const build = spawnSync('go', ['build', '-o', path, `./${name}`], {
    cwd: join(import.meta.dirname, 'go'),
    encoding: 'utf8',
  });
  if (build.error) throw new Error(`no Go to be run (${build.error.message})`);
  if (build.status !== 0) throw new Error(`bench/go/${name} does not build: ${build.stderr.trim()}`);
  return path;
}

/** Of a process so far, user and system. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Of a process now and at its highest, in MiB. */
export function memoryOf(pid: number): { readonly rssMb: number; readonly peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { rssMb: mebibytes('VmRSS'), peakMb: mebibytes('VmHWM') };
}
