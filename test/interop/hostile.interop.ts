import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createRawServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { buildProfile } from '../support/build-profile.ts';
import { sample, snapshot } from '../support/sample-table.ts';
import { freshDirectory } from './support/places.ts';
import { startProgram, untilReady } from './support/program.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';

// One target of 201 sends what no program should. The others must not notice, and its price is bounded.

const GOOD = 200;
const INTERVAL_S = 3;
const SLOTS = 4;
const MAX_RSS_MIB = 200;
const MAX_CPU_S = 1;
/** Beside what is bounded, a scrape that fails is logged, its socket is read by the kernel, and clocks tick in 10 ms. */
const CPU_MARGIN_S = 0.3;

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

const MODES: Readonly<Record<string, { readonly head: string; readonly more: string }>> = {
  'chunks of one byte': { head: CHUNKED, more: '1\r\n\n\r\n'.repeat(11_000) },
  'a chunk extension without end': { head: `${CHUNKED}1;`, more: 'a'.repeat(65_536) },
  'informational answers without end': {
    head: '',
    more: 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(1500),
  },
  'trailers without end': { head: `${CHUNKED}0\r\n`, more: 'x-a: b\r\n'.repeat(8000) },
  'headers without end': { head: 'HTTP/1.1 200 OK\r\n', more: 'x-a: b\r\n'.repeat(8000) },
  'a body without end': { head: `${HEAD}\r\n`, more: 'x'.repeat(65_536) },
};

test('one hostile target costs the others no slot, and itself at most a second of CPU a scrape', async (t) => {
  const profile = gzipSync(
    buildProfile({
      ...snapshot([sample('main;park', [3n])], { sampleTypes: [{ type: 'goroutine', unit: 'count' }] }),
      timeNanos: BigInt(Date.now()) * 1_000_000n,
    }),
  );
  const hits = new Map<number, number>();
  const good = await Promise.all(
    Array.from({ length: GOOD }, (_, index) => {
      const server = createServer((_request, response) => {
        hits.set(index, (hits.get(index) ?? 0) + 1);
        response.setHeader('content-type', 'application/octet-stream').end(profile);
      });
      return listen(t, server);
    }),
  );
  const baseline = await run(t, good, undefined, hits);
  for (const [name, mode] of Object.entries(MODES)) {
    let scrapes = 0;
    const sockets = new Set<Socket>();
    const hostile = createRawServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.once('data', () => {
        scrapes += 1;
        socket.write(mode.head);
        flood(socket, Buffer.from(mode.more));
      });
    });
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
    const measured = await run(t, good, portOf(hostile), hits);
    for (const socket of sockets) socket.destroy();
    hostile.close();
    const cpuS = Math.max(0, measured.cpuS - baseline.cpuS) / Math.max(1, scrapes);
    const rss = Math.round(measured.peakRssMib);
    t.diagnostic(`${name}: ${scrapes} scrapes, ${cpuS.toFixed(2)} s of CPU each, peak RSS ${rss} MiB`);
    assert.ok(scrapes >= SLOTS - 1, `${name}: scraped ${scrapes} times`);
    assert.ok(measured.fewestHits >= SLOTS - 1, `${name}: a good target was asked ${measured.fewestHits} times`);
    assert.ok(rss < MAX_RSS_MIB, `${name}: ${rss} MiB`);
    assert.ok(cpuS <= MAX_CPU_S + CPU_MARGIN_S, `${name}: ${cpuS} s of CPU a scrape`);
  }
});

interface Measured {
  readonly cpuS: number;
  readonly peakRssMib: number;
  /** Of the good target that was asked least often. */
  readonly fewestHits: number;
}

/** Runs the loop for some slots. */
async function run(
  t: TestContext,
  good: readonly number[],
  hostile: number | undefined,
  hits: Map<number, number>,
): Promise<Measured> {
  const directory = freshDirectory('hostile');
  const addresses = (hostile === undefined ? good : [...good, hostile]).map((port) => `127.0.0.1:${port}`);
  const config = join(directory, 'pyro-pull.yml');
  writeFileSync(
    config,
    `scrape-configs:
  - job-name: crowd
    scrape-interval: ${INTERVAL_S}s
    enabled-profiles: [goroutines]
    static-configs: [{application: crowd, targets: ${JSON.stringify(addresses)}}]
`,
  );
  hits.clear();
  const command = [process.execPath, EXECUTABLE, 'scrape', '--loop', '-c', config, '-o', join(directory, 'out')];
  const program = startProgram('pyro-pull', command);
  t.after(() => program.stop());
  await untilReady(program, () => (hits.size === good.length ? true : undefined));
  hits.clear();
  const before = cpuSecondsOf(program.pid);
  await sleep(SLOTS * INTERVAL_S * 1000);
  const measured = {
    cpuS: cpuSecondsOf(program.pid) - before,
    peakRssMib: peakRssMibOf(program.pid),
    fewestHits: Math.min(...good.map((_, index) => hits.get(index) ?? 0)),
  };
  await program.stop();
  return measured;
}

function flood(socket: Socket, bytes: Buffer): void {
  const fill = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', fill);
  fill();
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server);
}

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null && 'port' in address && typeof address.port === 'number');
  return address.port;
}

/** User and system time; the kernel counts in hundredths. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakRssMibOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
