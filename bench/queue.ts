import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DEFAULT_HTTP_CLIENT } from '../src/config/http-client-config.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE, type QueueConfig } from '../src/config/scrape-config.ts';
import type { OutgoingProfile } from '../src/sinks/pyroscope/outgoing-profile.ts';
import { createPyroscopeSink, type PyroscopeSink } from '../src/sinks/pyroscope/pyroscope-sink.ts';
import { buildProfile } from '../test/support/build-profile.ts';
import { median } from './measure.ts';
import { type Figure, type Goal, short, table } from './report.ts';

const ROUNDS = 5;
/** As many at once as a remote has on its way by default. */
const AT_ONCE = DEFAULT_QUEUE.maxInFlight;
// The raw disk has nothing to do but one file for each profile; the queue reads each profile and keeps two.
const INTO_GOAL: Goal = { must: 0.1, aim: 1, better: 'higher', unit: ' x raw disk' };
const OUT_GOAL: Goal = { must: 0.1, aim: 0.5, better: 'higher', unit: ' x raw disk' };

/** A server in a process of its own that takes everything at once. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()));
  server.keepAliveTimeout = 60000;
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));`;

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly profiles: number;
}

const SIZES: readonly Size[] = [
  { name: '5 kB', bytes: 5_000, profiles: 600 },
  { name: '500 kB', bytes: 500_000, profiles: 60 },
];

/** Profiles a second into a remote's queue and out of it, against writing and syncing the same bytes to the same disk. */
export async function benchQueue(): Promise<Figure[]> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const directory = scratchDirectory();
  try {
    const [port] = await once(server.stdout, 'data');
    const rows: string[][] = [];
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const rates = await ratesOf(size, `http://127.0.0.1:${port}`, directory);
      rows.push([size.name, ...Object.values(rates).map((rate) => short(rate))]);
      const { raw, into, out } = rates;
      figures.push({ figure: 'into the queue', input: size.name, value: into / raw, goal: INTO_GOAL });
      figures.push({ figure: 'out of the queue', input: size.name, value: out / raw, goal: OUT_GOAL });
    }
    const headings = ['body', `raw disk, ${AT_ONCE} at once`, 'into, sync 1s', 'into, sync always', 'out', 'through'];
    console.log(`\nProfiles a second:\n\n${table(headings, rows)}`);
    return figures;
  } finally {
    server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Not in the directory for temporary files, which may lie in memory. */
function scratchDirectory(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pyro-pull');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'bench-queue-'));
}

interface Rates {
  /** Create, write, fsync, close. */
  readonly raw: number;
  readonly into: number;
  readonly intoAlways: number;
  /** What lay in the queue, over loopback. */
  readonly out: number;
  /** Written while it is delivered, until the last one is. */
  readonly through: number;
}

async function ratesOf({ bytes, profiles }: Size, url: string, root: string): Promise<Rates> {
  const bodies = Array.from({ length: 8 }, (_, seed) => bodyOf(bytes, seed));
  const outgoing = Array.from({ length: profiles }, (_, number) => outgoingOf(bodies[number % 8]!, number));
  const seen: Record<keyof Rates, number[]> = { raw: [], into: [], intoAlways: [], out: [], through: [] };
  const rate = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return (profiles * 1000) / (performance.now() - start);
  };
  const directoryOf = (round: number) => join(root, `${bytes}-${round}`);
  // All that only creates files comes first: some file systems create slowly for minutes after much was deleted.
  for (let round = 0; round < ROUNDS; round++) {
    const directory = directoryOf(round);
    seen.raw.push(await rate(() => writeRaw(join(directory, 'raw'), outgoing)));
    // Nobody listens there, and nothing is sent.
    const closed = await openSink('http://127.0.0.1:9', join(directory, 'queue'), 1_000);
    seen.into.push(await rate(() => pushAll(closed, outgoing)));
    await closed.close();
    const always = await openSink('http://127.0.0.1:9', join(directory, 'always'), 'always');
    seen.intoAlways.push(await rate(() => pushAll(always, outgoing)));
    await always.close();
  }
  for (let round = 0; round < ROUNDS; round++) {
    const directory = directoryOf(round);
    const opened = await openSink(url, join(directory, 'queue'), 1_000);
    seen.out.push(await rate(() => opened.flush(120_000)));
    seen.through.push(await rate(() => pushAll(opened, outgoing).then(() => opened.flush(120_000))));
    await opened.close();
  }
  return {
    raw: median(seen.raw),
    into: median(seen.into),
    intoAlways: median(seen.intoAlways),
    out: median(seen.out),
    through: median(seen.through),
  };
}

async function writeRaw(directory: string, outgoing: readonly OutgoingProfile[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  await inTurn(outgoing, async ({ body }, number) => {
    const file = await open(join(directory, `${number}`), 'w');
    await file.writeFile(body);
    await file.sync();
    await file.close();
  });
}

function pushAll(sink: PyroscopeSink, outgoing: readonly OutgoingProfile[]): Promise<void> {
  return inTurn(outgoing, async (profile) => {
    await sink.push(profile);
  });
}

/** `AT_ONCE` of them at a time. */
async function inTurn<T>(items: readonly T[], work: (item: T, number: number) => Promise<void>): Promise<void> {
  const left = items.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [number, item] of left) await work(item, number);
    }),
  );
}

function openSink(url: string, queueRoot: string, sync: QueueConfig['sync']): Promise<PyroscopeSink> {
  return createPyroscopeSink(
    {
      url,
      name: 'bench',
      api: 'ingest',
      tenantId: undefined,
      headers: new Map(),
      timeoutMs: 10_000,
      tags: new Map(),
      writeRelabelRules: [],
      http: DEFAULT_HTTP_CLIENT,
      queue: { ...DEFAULT_QUEUE, sync, minBackoffMs: 300_000 },
      limits: { ...DEFAULT_PUSH_LIMITS, burstBytes: 0 },
    },
    { queueRoot, http: { userAgent: 'bench' }, onEvent: () => {} },
  );
}

function outgoingOf(body: Uint8Array, number: number): OutgoingProfile {
  const nowNanos = BigInt(Date.now()) * 1_000_000n;
  return {
    profile: 'cpu',
    labels: new Map([
      ['__name__', 'shop'],
      ['instance', `host-${number % 100}:6060`],
    ]),
    spyName: 'gospy',
    body,
    isValid: true,
    interval: { fromNanos: nowNanos, untilNanos: nowNanos },
    columns: new Map(),
    sampleLabels: 'sanitize',
    file: undefined,
    pushId: undefined,
  };
}

/** A profile of roughly that size when compressed: names that don't compress well, on stacks of twenty frames. */
function bodyOf(bytes: number, seed: number): Uint8Array {
  let state = seed + 1;
  const word = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state.toString(36);
  };
  const functions = Array.from({ length: Math.ceil(bytes / 45) }, () => `${word()}.${word()}.${word()}${word()}`);
  const samples = functions.map((_, at) => ({
    stack: Array.from({ length: 20 }, (_frame, depth) => ({
      lines: [{ name: functions[(at + depth * 7) % functions.length] ?? '', filename: 'main.go', line: 1n }],
    })),
    values: [BigInt(at + 1)],
  }));
  return gzipSync(
    buildProfile({
      sampleTypes: [{ type: 'samples', unit: 'count' }],
      samples,
      periodType: { type: 'cpu', unit: 'nanoseconds' },
      period: 10_000_000n,
      timeNanos: BigInt(Date.now()) * 1_000_000n,
    }),
  );
}
