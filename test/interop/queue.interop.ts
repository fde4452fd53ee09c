import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFakePyroscope } from '../support/fake-pyroscope.ts';
import { Random } from '../support/random.ts';
import { freshDirectory, INTEROP } from './support/places.ts';
import { UnsteadyServer } from './support/unsteady-server.ts';

/** Under a much heavier load than the command's own suite, which kills oftener. */
const KILLS = 20;
/** As in the writer. */
const EPOCH = 1_763_000_000_000_000_000n;

test(`${KILLS} kills of a process that writes to a bad server lose nothing`, { timeout: 600_000 }, async (t) => {
  const random = new Random(20_261_122);
  const queue = freshDirectory('queue');
  const server = new UnsteadyServer(random, ({ query }) => idOf(query));
  await server.open(t);
  const kept = new Set<number>();
  const reported = new Set<number>();
  const countsWhenReported = new Map<number, number>();

  for (let kill = 0, next = 0; kill < KILLS; kill++) {
    const writer = startWriter([server.url, queue, String(next), '100000', '200']);
    await writer.until(() => writer.lines.length > 0);
    const dies = Date.now() + random.below(400);
    while (Date.now() < dies) {
      if (random.below(10) === 0) await server.toggle(t);
      await sleep(20);
    }
    writer.process.kill('SIGKILL');
    await writer.ended;
    for (const line of writer.lines) {
      const [what, id] = line.split(' ');
      if (what === 'kept') kept.add(Number(id));
      else if (what === 'accepted') reported.add(Number(id));
      else assert.equal(what, 'memory', `the writer says ${line}`);
    }
    next = Math.max(next, ...kept) + 1;
    const counts = server.counts();
    for (const id of reported) if (!countsWhenReported.has(id)) countsWhenReported.set(id, counts.get(id) ?? 0);
  }

  await server.close();
  server.isSteady = true;
  await server.open(t);
  const drain = startWriter([server.url, queue, '0', '0']);
  await drain.ended;
  assert.equal(drain.lines.at(-1), 'empty');

  const counts = server.counts();
  const lost = [...kept].filter((id) => !counts.has(id));
  assert.deepEqual(lost, [], `${lost.length} of ${kept.size} lost`);
  const again = [...countsWhenReported].filter(([id, count]) => counts.get(id) !== count);
  assert.deepEqual(again, [], 'sent again although the answer was seen');
  const twice = [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  const cut = server.received().filter(({ isAccepted, query }) => isAccepted && server.lostIds.has(idOf(query))).length;
  t.diagnostic(
    `${kept.size} profiles kept, ${KILLS} kills, ${server.downs} times down: 0 lost, ${twice} came more than once ` +
      `(the server had taken them, but cut the connection (${server.lostIds.size} profiles, delivered ${cut} times), ` +
      'answered later than the time limit, or the process was killed before it saw the answer)',
  );
  assert.ok(kept.size > KILLS * 5, `only ${kept.size} profiles`);
});

test('2000 profiles pile up while the server is down, and all arrive in order when it is back', {
  timeout: 300_000,
}, async (t) => {
  const queue = freshDirectory('queue');
  const server = await startFakePyroscope(t);
  const { url } = server;
  await server.close();
  const writer = startWriter([url, queue, '0', '2000', '20000'], ['--expose-gc']);
  await writer.until(() => writer.lines.includes('kept 1999'));
  await sleep(200);
  const memory = writer.lines
    .filter((line) => line.startsWith('memory '))
    .map((line) => line.split(' ').slice(1).map(Number));
  const mebibytes = (column: number): number[] => memory.map((one) => Math.round((one[column] ?? 0) / 1024 / 1024));
  const bodies = directoryBytes(join(queue, 'main'));
  t.diagnostic(
    `${Math.round(bodies / 1024 / 1024)} MiB queued; each 200 profiles, MiB resident ${mebibytes(0).join(' ')}, ` +
      `live after a collection ${mebibytes(1).join(' ')}`,
  );
  assert.ok(bodies > 2000 * 10_000, 'the bodies are on disk');
  const live = mebibytes(1);
  assert.ok(Math.max(...live) - Math.min(...live) <= 8, 'memory is flat');

  const back = await startFakePyroscope(t, Number(new URL(url).port));
  await writer.ended;
  assert.equal(writer.lines.at(-1), 'empty');
  const arrived = back.accepted();
  assert.equal(new Set(arrived.map(({ query }) => idOf(query))).size, 2000);
  const last = new Map<string, number>();
  for (const { query, labels } of arrived) {
    const instance = new Map(labels).get('instance') ?? '';
    const id = idOf(query);
    assert.ok(id > (last.get(instance) ?? -1), `${instance}: ${id} after ${last.get(instance)}`);
    last.set(instance, id);
  }
});

test('what lies in the queue stays within its bound', async () => {
  // The bound itself is tested with the queue; here, that nothing else is left behind by all the kills above.
  const queue = freshDirectory('queue');
  const writer = startWriter(['http://127.0.0.1:1', queue, '0', '50', '100']);
  await writer.until(() => writer.lines.includes('kept 49'));
  writer.process.kill('SIGKILL');
  await writer.ended;
  const server = startWriter(['http://127.0.0.1:1', queue, '50', '1', '100']);
  await server.until(() => server.lines.includes('kept 50'));
  server.process.kill('SIGKILL');
  await server.ended;
  const names = readdirSync(join(queue, 'main')).filter((name) => !name.startsWith('.lock-'));
  assert.equal(names.filter((name) => name.endsWith('.pb.gz')).length, 51);
  assert.deepEqual(
    names.filter((name) => !/\.(?:pb\.gz|json)$|^rejected$|^corrupt$/.test(name)),
    [],
  );
});

function idOf(query: URLSearchParams): number {
  return Number(BigInt(query.get('from') ?? 0) - EPOCH);
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

interface Writer {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** All that it said has been read. */
  readonly ended: Promise<unknown>;
  until(holds: () => boolean): Promise<void>;
}

function startWriter(args: readonly string[], flags: readonly string[] = []): Writer {
  const script = join(INTEROP, 'support/queue-writer.ts');
  const child = spawn(process.execPath, [...flags, '--import', 'tsx', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]);
  running.add(child);
  child.once('close', () => running.delete(child));
  return {
    process: child,
    lines,
    ended,
    until: async (holds) => {
      while (!holds()) {
        if (child.exitCode !== null) throw new Error(`the writer ended with ${child.exitCode}: ${lines.at(-1)}`);
        await sleep(5);
      }
    },
  };
}

function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory)) {
    const { size } = statSync(join(directory, name), { throwIfNoEntry: false }) ?? { size: 0 };
    bytes += size;
  }
  return bytes;
}
