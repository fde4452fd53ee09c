import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { parseTimestamp } from '../../src/sinks/file/timestamp.ts';
import { buildProfile } from '../support/build-profile.ts';
import { type FakePyroscope, type ReceivedProfile, startFakePyroscope } from '../support/fake-pyroscope.ts';
import { Random } from '../support/random.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE, mustPull } from './support/pyro-pull.ts';
import { UnsteadyServer } from './support/unsteady-server.ts';

// The command itself, with its queue: what it has reported as written reaches the server, whatever becomes of either.

const KILLS = 60;

test(`${KILLS} kills of scrape, once and in a loop, with a bad server lose nothing that was reported`, {
  timeout: 900_000,
}, async (t) => {
  const random = new Random(20_261_122);
  const target = await startTarget(t);
  const server = new UnsteadyServer(random, idOf);
  await server.open(t);
  const directory = freshDirectory('kills');
  const config = writeConfig(directory, target, { targets: 30, url: server.url, timeout: '300ms' });
  const reported = new Set<string>();
  const ends = { loop: 0, once: 0, beforeTheFirst: 0 };

  for (let kill = 0; kill < KILLS; kill++) {
    const mode = kill % 3 === 0 ? 'once' : 'loop';
    const argv = ['scrape', `--${mode}`, '-c', config, '-o', join(directory, 'out'), '--json'];
    const run = start([...argv, '--push-deadline', '5s']);
    // Mostly some time after it begins to report; now and then while it starts, and takes over what the last one left.
    const diesAt = Date.now() + (kill % 6 === 5 ? random.below(1_500) : 30_000);
    while (run.lines.length === 0 && Date.now() < diesAt && run.process.exitCode === null) await sleep(2);
    const more = Date.now() + random.below(700);
    while (Date.now() < more) {
      if (random.below(10) === 0) await server.toggle(t);
      await sleep(20);
    }
    run.process.kill('SIGKILL');
    await run.ended;
    const before = reported.size;
    for (const line of run.lines) if (isReport(line)) reported.add(keyOf(line.profile, line.labels, line.until));
    ends[mode] += 1;
    if (reported.size === before) ends.beforeTheFirst += 1;
  }

  await server.close();
  server.isSteady = true;
  await server.open(t);
  const drained = await mustPull(['push', '--retry', '-c', config, '--push-deadline', '60s'], { cwd: directory });
  assert.match(drained.stdout, /^remote main: \d+ profiles? sent$/m);
  assert.deepEqual(queueFiles(directory), []);

  const counts = server.counts();
  const lost = [...reported].filter((key) => !counts.has(key));
  assert.deepEqual(lost, [], `${lost.length} of ${reported.size} lost`);
  const twice = [...counts.values()].filter((count) => count > 1).length;
  const cut = [...counts].filter(([key, count]) => count > 1 && server.lostIds.has(key)).length;
  t.diagnostic(
    `${reported.size} profiles reported (${counts.size} arrived: the others were queued when the kill came before their ` +
      `report), ${ends.loop} kills of loops and ${ends.once} of single rounds (${ends.beforeTheFirst} before anything ` +
      `was reported), server ${server.downs} times down: 0 lost; ${twice} came more than once, ${cut} of them after the ` +
      'server had taken them and cut the connection, the others answered too late or the kill came before the answer was seen',
  );
  assert.ok(reported.size > KILLS * 5, `only ${reported.size} profiles`);
});

test('2000 profiles pile up in a loop while the server is down: flat memory, then all arrive in order', {
  timeout: 600_000,
}, async (t) => {
  const target = await startTarget(t, 1_200);
  const server = await startFakePyroscope(t);
  const { url } = server;
  await server.close();
  const directory = freshDirectory('pile');
  const config = writeConfig(directory, target, { targets: 100, url });
  const run = start(['scrape', '--loop', '-c', config, '--json'], directory);
  t.after(() => void run.process.kill('SIGKILL'));
  const figures: { queued: number; bytes: number; resident: number }[] = [];
  for (let next = 200; next <= 2_000; next += 200) {
    while (run.lines.length < next) {
      assert.equal(run.process.exitCode, null, run.said());
      await sleep(20);
    }
    figures.push({ queued: next, bytes: queueBytes(directory), resident: residentBytes(run.process) });
  }
  const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
  t.diagnostic(
    figures
      .map(
        ({ queued, bytes, resident }) =>
          `${queued}: ${mebibytes(bytes)} MiB queued, ${mebibytes(resident)} MiB resident`,
      )
      .join('; '),
  );
  // The first ones come while the process still grows to its working size.
  const later = figures.slice(4);
  const resident = later.map((one) => one.resident);
  const queued = (later.at(-1)?.bytes ?? 0) - (later[0]?.bytes ?? 0);
  assert.ok(Math.max(...resident) - (resident[0] ?? 0) < queued / 2, 'the queue is on disk, not in memory');

  const back = await startFakePyroscope(t, Number(new URL(url).port));
  await sleep(1_500);
  run.process.kill('SIGTERM');
  await run.ended;
  assert.equal(run.process.exitCode, 0, run.said());
  await mustPull(['push', '--retry', '-c', config, '--push-deadline', '60s'], { cwd: directory });
  const reported = run.lines.filter(isReport).length;
  const arrived = back.accepted();
  assert.equal(new Set(arrived.map(idOf)).size, reported);
  // Those on their way when the loop's grace ended were cut off, and sent again.
  assert.ok(arrived.length - reported <= 8, `${arrived.length - reported} came twice`);
  assertInOrder(arrived);
});

test('the queue stays within max-bytes: the oldest fall out, counted and told', { timeout: 300_000 }, async (t) => {
  const target = await startTarget(t, 400);
  const server = await startFakePyroscope(t);
  const { url } = server;
  await server.close();
  const directory = freshDirectory('bound');
  const bound = 300 * 1024;
  const config = writeConfig(directory, target, { targets: 20, url, queue: ', max-bytes: 300KiB' });
  const run = start(['scrape', '--loop', '-c', config, '--json'], directory);
  t.after(() => void run.process.kill('SIGKILL'));
  let most = 0;
  while (run.lines.length < 200) {
    most = Math.max(most, queueBytes(directory));
    assert.equal(run.process.exitCode, null, run.said());
    await sleep(5);
  }
  run.process.kill('SIGTERM');
  await run.ended;
  const [, dropped, left] =
    /^remote main: 0 sent, (\d+) fell out of the queue, (\d+) still queued/m.exec(run.said()) ?? [];
  const reports = run.lines.filter(isReport);
  assert.equal(Number(dropped) + Number(left), reports.length, run.said());
  assert.match(run.said(), /^warning: remote main: an undelivered profile fell out of the queue \(max-bytes\)/m);
  // One profile is being written while the oldest goes.
  assert.ok(most <= bound + 20_000, `${most} bytes`);

  const back = await startFakePyroscope(t, Number(new URL(url).port));
  await mustPull(['push', '--retry', '-c', config], { cwd: directory });
  const arrived = new Set(back.accepted().map(idOf));
  assert.equal(arrived.size, Number(left));
  // Those of one moment are queued in any order.
  const newest = [...reports].sort((a, b) => (a.until < b.until ? 1 : -1)).slice(0, Number(left) - 20);
  for (const { profile, labels, until } of newest) assert.ok(arrived.has(keyOf(profile, labels, until)), until);
});

/** A target on loopback that gives an instantaneous profile, of another moment each time. */
async function startTarget(t: TestContext, samples = 3): Promise<string> {
  const pprof = buildProfile({
    sampleTypes: [{ type: 'goroutine', unit: 'count' }],
    periodType: { type: 'goroutine', unit: 'count' },
    samples: Array.from({ length: samples }, (_, at) => ({
      stack: [{ lines: [{ name: `f${at}.${Math.random().toString(36)}` }] }],
      values: [BigInt(at + 1)],
    })),
  });
  const server = createServer((_request, response) => {
    const timeNanos = new BinaryWriter().tag(9, WireType.Varint).int64(BigInt(Date.now()) * 1_000_000n);
    response.end(gzipSync(Buffer.concat([pprof, timeNanos.finish()]), { level: 1 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close().closeAllConnections());
  const address = server.address();
  return `127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
}

interface ConfigOptions {
  /** So many targets, all behind one address, each with a label of its own. */
  readonly targets: number;
  readonly url: string;
  readonly queue?: string;
  readonly timeout?: string;
}

function writeConfig(
  directory: string,
  target: string,
  { targets, url, queue = '', timeout = '10s' }: ConfigOptions,
): string {
  const groups = Array.from(
    { length: targets },
    (_, n) => `      - { application: shop, targets: ["${target}"], labels: { n: "${n}" } }\n`,
  );
  const config = join(directory, 'pyro-pull.yml');
  writeFileSync(
    config,
    `scrape-configs:
  - job-name: shop
    scrape-interval: 1s
    enabled-profiles: [goroutines]
    static-configs:
${groups.join('')}remote-write:
  - url: ${url}
    name: main
    remote-timeout: ${timeout}
    queue: { dir: ${directory}/queue, min-backoff: 5ms, max-backoff: 100ms${queue} }
`,
  );
  return config;
}

interface Report {
  readonly profile: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly until: string;
  readonly outcome: string;
}

interface Run {
  readonly process: ChildProcess;
  /** Whole lines of standard output. */
  readonly lines: Report[];
  said(): string;
  readonly ended: Promise<unknown>;
}

function start(argv: readonly string[], cwd?: string): Run {
  const child = spawn(process.execPath, [EXECUTABLE, ...argv], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Report[] = [];
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = `${out}${chunk}`.split('\n');
    out = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return { process: child, lines, said: () => err, ended: once(child, 'close') };
}

/** A profile that is in a file or a queue; the summary of a round is none. */
function isReport({ outcome }: Report): boolean {
  return outcome === 'written' || outcome === 'queued';
}

function keyOf(profile: string, labels: Readonly<Record<string, string>>, until: string): string {
  return `${profile} ${labels['n']} ${parseTimestamp(until)}`;
}

function idOf({ labels, query }: Pick<ReceivedProfile, 'labels' | 'query'>): string {
  return `goroutines ${new Map(labels).get('n')} ${BigInt(query.get('until') ?? 0)}`;
}

function assertInOrder(arrived: FakePyroscope['received']): void {
  const last = new Map<string, bigint>();
  for (const { labels, query } of arrived) {
    const n = new Map(labels).get('n') ?? '';
    const until = BigInt(query.get('until') ?? 0);
    assert.ok(until >= (last.get(n) ?? 0n), `target ${n}: ${until} after ${last.get(n)}`);
    last.set(n, until);
  }
}

function queueFiles(directory: string): string[] {
  const all = readdirSync(join(directory, 'queue/main'), { recursive: true, encoding: 'utf8' });
  return all.filter((name) => /\.(?:pb\.gz|json|tmp|new)$/.test(name));
}

function queueBytes(directory: string): number {
  const queue = join(directory, 'queue/main');
  if (!existsSync(queue)) return 0;
  const sizes = readdirSync(queue).map((name) => statSync(join(queue, name), { throwIfNoEntry: false }));
  return sizes.reduce((sum, stats) => sum + (stats?.isFile() ? stats.size : 0), 0);
}

function residentBytes({ pid }: ChildProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
