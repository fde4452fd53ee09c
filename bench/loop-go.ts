// The loop as users run it (delta, files, states) against Go loops that get, inflate, compress and write the same profiles
// without a delta: all at the same time, from the same targets, each a heap of 21 kB. Then the memory of
// pyro-pull with 5,000 targets, and with 10,000 connected ones of five profiles each that have little to do. `profile`: what
// the loop says of itself under load, by its own endpoint.
//   node --import tsx bench/loop-go.ts [cpu] [scraped] [idle] [profile]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { idleSeries, loadSeries, singleSeries } from './load-series.ts';
import { buildGoBench, cpuSecondsOf, type LoadTargets, memoryOf, startLoadTargets } from './load-targets.ts';
import { median } from './measure.ts';

const EXECUTABLE = join(import.meta.dirname, '../bin/pyro-pull.js');
const wanted = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-loop-go-'));
const children: ChildProcess[] = [];
try {
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`);
  for (const [name, run] of Object.entries({ cpu: compareCpu, scraped: () => memory(5000), idle, profile })) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    await run();
    for (const child of children.splice(0)) child.kill('SIGKILL');
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}

/** CPU time for a scrape, over ten seconds that all processes have at the same time. */
async function compareCpu(): Promise<void> {
  const targets = 200;
  const load = await startLoadTargets(singleSeries(), targets, 2);
  const list = join(dir, 'targets.txt');
  writeFileSync(list, load.addresses.join('\n'));
  const start = (level: number) => {
    const out = join(dir, `go-${level}`);
    mkdirSync(out);
    return startGo(['-targets', list, '-interval', '1s', '-level', String(level), '-out', out]);
  };
  const [fast, usual] = [start(1), start(-1)];
  const ours = startOurs(load, { profiles: ['mem'], interval: '1s' });
  await sleep(30_000);
  const take = async () => {
    const [all, byFast, byUsual] = [(await load.counts()).served, await fast.count(), await usual.count()];
    return [
      { cpu: cpuSecondsOf(ours), count: all - byFast - byUsual },
      { cpu: cpuSecondsOf(fast.pid), count: byFast },
      { cpu: cpuSecondsOf(usual.pid), count: byUsual },
    ];
  };
  const ratios: [number, number][] = [];
  for (let round = 0; round < 7; round++) {
    const before = await take();
    await sleep(10_000);
    const spent = (await take()).map(({ cpu, count }, index) => ({
      scrapes: count - (before[index]?.count ?? 0),
      micros: ((cpu - (before[index]?.cpu ?? 0)) * 1e6) / (count - (before[index]?.count ?? 0)),
    }));
    const [one, first, second] = spent.map(({ micros }) => micros);
    ratios.push([(one ?? 0) / (first ?? 0), (one ?? 0) / (second ?? 0)]);
    const cells = spent.map(({ micros, scrapes }) => `${micros.toFixed(0)} us (${scrapes / 10}/s)`);
    console.log(`CPU a scrape: pyro-pull ${cells[0]}, Go gzip level 1 ${cells[1]}, default level ${cells[2]}`);
  }
  const [toFast, toUsual] = [0, 1].map((column) => median(ratios.map((pair) => pair[column] ?? Number.NaN)).toFixed(2));
  console.log(`pyro-pull / Go: ${toFast} (level 1), ${toUsual} (default level, that of google/pprof)`);
  console.log(`RSS: ${memoryOf(ours).rssMb.toFixed(0)} MiB, Go ${memoryOf(usual.pid).rssMb.toFixed(0)} MiB`);
  load.stop();
}

/** What is resident after some rounds over so many targets, each a heap of 21 kB every 15 s. */
async function memory(targets: number): Promise<void> {
  const load = await startLoadTargets(singleSeries(), targets, 4);
  const pid = startOurs(load, { profiles: ['mem'], interval: '15s' });
  for (let quarter = 1; quarter <= 6; quarter++) {
    await sleep(15_000);
    tellMemory(`${targets} scraped targets`, pid, await load.counts());
  }
  load.stop();
}

/** What is resident when 10,000 targets of five profiles each have been asked once and keep their connections. */
async function idle(): Promise<void> {
  const load = await startLoadTargets(idleSeries(), 10_000, 4);
  const pid = startOurs(load, { profiles: ['mem', 'goroutines', 'mutex', 'block', 'allocs'], interval: '4m' });
  for (let half = 1; half <= 10; half++) {
    await sleep(30_000);
    tellMemory('10,000 targets x 5 profiles', pid, await load.counts());
  }
  load.stop();
}

/** The top of a CPU profile of the loop with 1,000 targets of five profiles each, from its own endpoint. */
async function profile(): Promise<void> {
  const load = await startLoadTargets(loadSeries(), 1000, 4);
  const listen = '127.0.0.1:19099';
  startOurs(load, { profiles: ['mem', 'goroutines', 'mutex', 'block', 'allocs'], interval: '15s', listen });
  await sleep(45_000);
  const response = await fetch(`http://${listen}/debug/pprof/profile?seconds=30`);
  const file = join(dir, 'cpu.pb.gz');
  writeFileSync(file, new Uint8Array(await response.arrayBuffer()));
  console.log(execFileSync('go', ['tool', 'pprof', '-top', '-nodecount=40', file], { encoding: 'utf8' }));
  load.stop();
}

function tellMemory(what: string, pid: number, counts: { served: number; connections: number }): void {
  const { rssMb, peakMb } = memoryOf(pid);
  console.log(
    `${what}: ${counts.served} scrapes, ${counts.connections} connections, RSS ${rssMb.toFixed(0)} MiB, peak ${peakMb.toFixed(0)} MiB`,
  );
}

/** Gives the process id. */
function startOurs(
  load: LoadTargets,
  job: { readonly profiles: readonly string[]; readonly interval: string; readonly listen?: string },
): number {
  const config = join(dir, `pyro-pull-${children.length}.yml`);
  writeFileSync(
    config,
    JSON.stringify({
      'scrape-configs': [
        {
          'job-name': 'load',
          'scrape-interval': job.interval,
          'enabled-profiles': job.profiles,
          profiles: {
            allocs: {
              path: '/debug/pprof/allocs',
              'sample-types': { alloc_objects: { cumulative: true }, alloc_space: { cumulative: true } },
            },
          },
          'static-configs': [{ application: 'load', targets: load.addresses }],
        },
      ],
    }),
  );
  const out = join(dir, `out-${children.length}`);
  const args = [EXECUTABLE, 'scrape', '--loop', '-c', config, '--out', out, '--log-level', 'error'];
  if (job.listen !== undefined) args.push('--listen', job.listen);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child.pid ?? 0;
}

function startGo(args: readonly string[]): { readonly pid: number; count(): Promise<number> } {
  const child = spawn(buildGoBench('loop'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async count() {
      child.stdin.write('\n');
      const { value } = await lines.next();
      const [scrapes = 0, failures = 0] = String(value).split(' ').map(Number);
      if (failures > 0) throw new Error(`${failures} scrapes of the Go loop failed`);
      return scrapes;
    },
  };
}
