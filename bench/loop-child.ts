import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { boundHeap } from '../src/cli/bound-heap.ts';
import { paintFor, processIo } from '../src/cli/io.ts';
import { createLog } from '../src/cli/log.ts';
import { openPipeline } from '../src/cli/pipeline.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { EMPTY_LABELS } from '../src/labels/label-set.ts';
import { ScrapeLoop } from '../src/loop/scrape-loop.ts';
import { SYSTEM_LOOP_CLOCK } from '../src/loop/timer-queue.ts';

/** What the loop in this process showed, as one line of JSON on standard output. */
export interface LoopFigures {
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly missedSlots: number;
  readonly latenessMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number };
  readonly cpuSecondsPer1000: number;
  readonly rssMb: number;
  readonly peakRssMb: number;
  readonly receivedMb: number;
}

interface Arguments {
  readonly config: string;
  readonly dir: string;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Where to write a CPU profile of the measured time. */
  readonly cpuProfile?: string;
}

const given: Arguments = JSON.parse(process.argv[2] ?? '');
boundHeap();
const cut = new AbortController();
const io = { ...processIo(), cwd: given.dir };
const log = createLog(io.stderr, {
  level: () => 'error',
  format: 'text',
  paint: paintFor(io.stderr, io.env),
  now: () => new Date(),
});
const { config } = await loadConfig(given.config, { cwd: given.dir, stdin: io.stdin, expandEnv: false, env: {} });
const flags = { push: [], maxStateAge: 86_400_000, discoveryTimeout: 30_000, fsync: false, dryRun: false, loop: true };
const pipeline = await openPipeline(config, flags, { io, log, signal: cut.signal });

let isMeasuring = false;
let outcomes: Record<string, number> = {};
let lateness: number[] = [];
let missedSlots = 0;
let bytes = 0;
const loop = new ScrapeLoop({ config, isWanted: () => true, labels: EMPTY_LABELS, writeEmpty: false }, 64, {
  ...pipeline.deps,
  ...pipeline.loopDeps,
  clock: SYSTEM_LOOP_CLOCK,
  cancelScrapes: () => cut.abort(),
  onEvent(event) {
    if (!isMeasuring) return;
    if (event.type === 'missed') missedSlots += event.slots;
    if (event.type !== 'round') return;
    outcomes[event.outcome] = (outcomes[event.outcome] ?? 0) + 1;
    if (event.latenessMs !== undefined) lateness.push(event.latenessMs);
    bytes += event.bytes ?? 0;
  },
});
loop.start();
await pause(given.warmUpMs);

const delay = monitorEventLoopDelay({ resolution: 10 });
const session = new Session();
if (given.cpuProfile !== undefined) {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
}
[isMeasuring, outcomes, lateness, missedSlots, bytes] = [true, {}, [], 0, 0];
delay.enable();
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
await pause(given.measureMs);
isMeasuring = false;
const cpu = process.cpuUsage(cpuBefore);
const seconds = (performance.now() - startedMs) / 1000;
delay.disable();
if (given.cpuProfile !== undefined) {
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(given.cpuProfile, JSON.stringify(profile));
}

lateness.sort((a, b) => a - b);
const at = (part: number) => lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * part))] ?? 0;
const figures: LoopFigures = {
  seconds,
  outcomes,
  missedSlots,
  latenessMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
  eventLoopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6 },
  cpuSecondsPer1000: (cpu.user + cpu.system) / 1e6 / (lateness.length / 1000),
  rssMb: process.memoryUsage.rss() / 2 ** 20,
  peakRssMb: peakRssMb(),
  receivedMb: bytes / 2 ** 20,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
await loop.stop(1_000);
await pipeline.close();
process.exit(0);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function peakRssMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
