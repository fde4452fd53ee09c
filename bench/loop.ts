// The loop under load: targets with five profiles each at an interval of 15 s, and four processes with CPU profiles. The
// targets serve prepared snapshots (bodies of 5 to 200 kB), so that the machine is left to the loop.
//   node --import tsx bench/loop.ts [targets] [measured seconds] [file for a CPU profile]
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { type GoService, start } from '../test/interop/parts/go-service.ts';
import { loadSeries } from './load-series.ts';
import { type LoadTargets, startLoadTargets } from './load-targets.ts';
import type { LoopFigures } from './loop-child.ts';

const PROCESSES = 4;
const INTERVAL_SECONDS = 15;

const targets = Number(process.argv[2] ?? 1000);
const seconds = Number(process.argv[3] ?? 120);
const cpuProfile = process.argv[4];

const dir = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-loop-'));
const services: GoService[] = [];
let load: LoadTargets | undefined;
try {
  load = await startLoadTargets(loadSeries(), targets, PROCESSES);
  for (let index = 0; index < PROCESSES; index++) {
    services.push(await start({ flags: ['-exact=false', '-mem-profile-rate=524288', '-load=0.02'] }));
  }
  const config = join(dir, 'pyro-pull.yml');
  writeFileSync(config, JSON.stringify(configOf(load.addresses, services)));
  const child = join(dir, 'loop-child.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'loop-child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning',
    define: { PYRO_PULL_VERSION: '"bench"' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  copyFileSync(join(import.meta.dirname, '../dist/engine.wasm'), join(dir, 'engine.wasm'));
  const before = load.cpuSeconds();
  const loadBefore = loadavg()[0] ?? 0;
  const figures = await runChild(child, config);
  report(figures, load.cpuSeconds() - before, loadBefore);
} finally {
  load?.stop();
  await Promise.all(services.map((service) => service.stop()));
  rmSync(dir, { recursive: true, force: true });
}

function configOf(addresses: readonly string[], all: readonly GoService[]): unknown {
  const common = { 'scrape-interval': `${INTERVAL_SECONDS}s` };
  return {
    'scrape-configs': [
      {
        ...common,
        'job-name': 'load',
        'enabled-profiles': ['mem', 'goroutines', 'mutex', 'block', 'allocs'],
        profiles: {
          allocs: {
            path: '/debug/pprof/allocs',
            'sample-types': {
              alloc_objects: { cumulative: true, units: 'objects' },
              alloc_space: { cumulative: true, units: 'bytes' },
            },
          },
        },
        'static-configs': [{ application: 'load', targets: addresses }],
      },
      // Go serves one CPU profile a process at a time.
      {
        ...common,
        'job-name': 'cpu',
        'enabled-profiles': ['cpu'],
        'static-configs': [{ application: 'load', targets: all.map(({ address }) => address) }],
      },
    ],
  };
}

async function runChild(script: string, config: string): Promise<LoopFigures> {
  const given = {
    config,
    dir,
    warmUpMs: 2 * INTERVAL_SECONDS * 1000,
    measureMs: seconds * 1000,
    ...(cpuProfile === undefined ? {} : { cpuProfile: resolve(cpuProfile) }),
  };
  const child = spawn(process.execPath, [script, JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) said += String(chunk);
  return JSON.parse(said);
}

function report(figures: LoopFigures, servedCpuSeconds: number, loadBefore: number): void {
  const { latenessMs, eventLoopDelayMs } = figures;
  const rows: [string, string][] = [
    ['machine', `Node ${process.version}, ${cpus().length} CPUs, load ${loadBefore.toFixed(1)} before`],
    ['targets', `${targets} x 5 profiles at ${INTERVAL_SECONDS} s, and ${PROCESSES} CPU profiles`],
    ['measured', `${figures.seconds.toFixed(0)} s, ${figures.receivedMb.toFixed(0)} MiB received`],
    ['outcomes', JSON.stringify(figures.outcomes)],
    ['missed slots', String(figures.missedSlots)],
    ['lateness p50 / p99 / max', `${[latenessMs.p50, latenessMs.p99, latenessMs.max].map(Math.round).join(' / ')} ms`],
    ['event loop delay p50 / p99', `${eventLoopDelayMs.p50.toFixed(1)} / ${eventLoopDelayMs.p99.toFixed(1)} ms`],
    ['CPU seconds per 1,000 scrapes', figures.cpuSecondsPer1000.toFixed(2)],
    ['RSS at the end / peak', `${figures.rssMb.toFixed(0)} / ${figures.peakRssMb.toFixed(0)} MiB`],
    ['CPU seconds of the targets, warm-up included', servedCpuSeconds.toFixed(0)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(46)}${value}`);
}
