import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE, type RemoteWriteConfig } from '../../src/config/scrape-config.ts';
import { compileRule } from '../../src/labels/compile-rule.ts';
import { type IndexEntry, indexFields } from '../../src/sinks/file/index-entry.ts';
import { describePushEvent } from '../../src/sinks/pyroscope/push-event.ts';
import {
  type LeftOut,
  type PushFailure,
  type PushPathsOptions,
  pushPaths,
} from '../../src/sinks/pyroscope/push-paths.ts';
import { createPyroscopeSink } from '../../src/sinks/pyroscope/pyroscope-sink.ts';
import { buildProfile, type ProfileSpec } from '../support/build-profile.ts';
import { type FakePyroscope, startFakePyroscope } from '../support/fake-pyroscope.ts';

const FROM = BigInt(Date.now() - 60_000) * 1_000_000n;

function pprofOf(types: readonly string[], changes: Partial<ProfileSpec> = {}): Uint8Array {
  return gzipSync(
    buildProfile({
      sampleTypes: types.map((type) => ({ type, unit: 'count' })),
      samples: [{ stack: [{ lines: [{ name: 'main' }] }], values: types.map(() => 1n) }],
      timeNanos: FROM,
      durationNanos: 10_000_000_000n,
      ...changes,
    }),
  );
}

async function scratch(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pyro-push-paths-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A directory as `scrape` leaves it. */
async function scraped(dir: string, count: number): Promise<void> {
  const lines: string[] = [];
  for (let number = 0; number < count; number++) {
    const path = `shop/checkout/a_6060/block/${number}.pb.gz`;
    const body = pprofOf(['contentions', 'delay'], { timeNanos: FROM + BigInt(number) });
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), body);
    const entry: IndexEntry = {
      path,
      profile: 'block',
      labels: new Map([
        ['__name__', 'checkout'],
        ['instance', 'a:6060'],
      ]),
      url: 'http://a:6060/debug/pprof/block',
      fromNanos: FROM + BigInt(number),
      untilNanos: FROM + 10_000_000_000n + BigInt(number),
      sampleTypes: [],
      samples: 1,
      bytes: body.length,
      sha256: '',
      kind: 'delta',
      spyName: 'nodespy',
      isReset: false,
      isPartial: false,
    };
    lines.push(`${JSON.stringify(indexFields(entry))}\n`);
  }
  await writeFile(join(dir, 'index.ndjson'), lines.join(''));
}

/** One run of `push`. */
async function push(
  server: FakePyroscope,
  queueDir: string,
  paths: readonly string[],
  changes: Partial<PushPathsOptions> & { readonly remote?: Partial<RemoteWriteConfig> } = {},
) {
  const { remote, ...options } = changes;
  const messages: string[] = [];
  const sink = await createPyroscopeSink(
    {
      url: server.url,
      name: 'main',
      api: 'ingest',
      tenantId: undefined,
      headers: new Map(),
      timeoutMs: 2_000,
      tags: new Map(),
      writeRelabelRules: [],
      http: DEFAULT_HTTP_CLIENT,
      queue: { ...DEFAULT_QUEUE, minBackoffMs: 5, maxBackoffMs: 20 },
      limits: DEFAULT_PUSH_LIMITS,
      ...remote,
    },
    {
      queueRoot: queueDir,
      http: { userAgent: 'test' },
      onEvent: (event) => messages.push(describePushEvent(event).message),
    },
  );
  const failures: PushFailure[] = [];
  const defaults = { labels: new Map<string, string>(), retryRejected: false, deadlineMs: 5_000 };
  try {
    const [summary] = await pushPaths(paths, [sink], { ...defaults, ...options }, (failure) => failures.push(failure));
    return { summary, failures, messages };
  } finally {
    await sink.close();
  }
}

const wellDone = {
  remote: 'main',
  accepted: 0,
  skipped: 0,
  textDumps: 0,
  empty: 0,
  filtered: 0,
  ignored: 0,
  rejected: 0,
  failed: 0,
  left: 0,
};

test('a directory that scrape wrote goes with the labels and times of its index', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await scraped(dir, 3);
  const { summary } = await push(server, queue, [dir], { labels: new Map([['env', 'ci']]) });
  assert.deepEqual(summary, { ...wellDone, accepted: 3 });
  assert.deepEqual(Object.fromEntries(server.received[0]?.labels ?? []), {
    __name__: 'checkout',
    env: 'ci',
    instance: 'a:6060',
  });
  assert.deepEqual(
    server.received.map(({ query }) => [query.get('from'), query.get('until')]),
    [0n, 1n, 2n].map((number) => [`${FROM + number}`, `${FROM + 10_000_000_000n + number}`]),
  );
  assert.match(server.received[0]?.sampleTypeConfig ?? '', /block_count/);
});

test('a run that was cut off is taken up again, and nothing is sent twice', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await scraped(dir, 150);
  server.answer = (_received, number) => (number <= 20 ? {} : { fault: 'stall' });
  const first = await push(server, queue, [dir], { deadlineMs: 300 });
  assert.equal(first.summary?.accepted, 20);
  assert.equal(first.summary?.left, 130);
  server.answer = () => ({});
  const second = await push(server, queue, [dir]);
  assert.equal(second.summary?.left, 0);
  assert.equal(second.summary?.accepted, 130);
  assert.equal(second.summary?.skipped, 20);
  const third = await push(server, queue, [dir]);
  assert.deepEqual(third.summary, { ...wellDone, skipped: 150 });
  const froms = server.accepted().map(({ query }) => query.get('from'));
  assert.equal(froms.length, 150);
  assert.equal(new Set(froms).size, 150);
});

test('a single file of such a directory is found in its index', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await scraped(dir, 2);
  const file = join(dir, 'shop/checkout/a_6060/block/1.pb.gz');
  const { summary } = await push(server, queue, [file, file, dirname(file)]);
  assert.deepEqual(summary, { ...wellDone, accepted: 2 });
  assert.equal(server.received[0]?.query.get('from'), `${FROM + 1n}`);
});

test('a bare file tells its time, program and kind itself', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  const program = [{ start: 1n, limit: 2n, filename: '/usr/bin/checkout' }];
  await writeFile(join(dir, 'cpu.pprof'), pprofOf(['samples', 'cpu'], { mappings: program }));
  await writeFile(join(dir, 'my-block.pb.gz'), pprofOf(['contentions', 'delay']));
  await writeFile(join(dir, 'README.md'), 'not a profile');
  const { summary } = await push(server, queue, [dir], { remote: { api: 'push' } });
  assert.deepEqual(summary, { ...wellDone, accepted: 2, ignored: 1 });
  const labels = server.received.map((received) => Object.fromEntries(received.labels));
  assert.deepEqual(
    labels.map(({ __name__, service_name }) => [__name__, service_name]),
    [
      ['process_cpu', 'checkout'],
      ['block', 'unknown_service'],
    ],
  );
});

test('a label from a flag wins', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await writeFile(join(dir, 'x.pb.gz'), pprofOf(['samples']));
  await push(server, queue, [join(dir, 'x.pb.gz')], { labels: new Map([['service_name', 'mine']]) });
  assert.deepEqual(Object.fromEntries(server.received[0]?.labels ?? []), { __name__: 'mine' });
});

test('a file that is no profile fails alone', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await writeFile(join(dir, 'a.pb.gz'), 'junk');
  await writeFile(join(dir, 'b.pb.gz'), pprofOf(['samples']));
  const { summary, failures } = await push(server, queue, [dir]);
  assert.deepEqual(summary, { ...wellDone, accepted: 1, failed: 1 });
  assert.deepEqual(
    failures.map(({ name, error }) => [name, error.name]),
    [[join(dir, 'a.pb.gz'), 'ProfileError']],
  );
});

test('a listed file that is gone fails alone', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await scraped(dir, 2);
  await rm(join(dir, 'shop/checkout/a_6060/block/0.pb.gz'));
  const { summary, failures } = await push(server, queue, [dir]);
  assert.deepEqual(summary, { ...wellDone, accepted: 1, failed: 1 });
  assert.match(failures[0]?.name ?? '', /0\.pb\.gz$/);
  assert.match(failures[0]?.error.message ?? '', /^cannot be read/);
});

test('a path that is not there is an error before anything is sent', async (t) => {
  const server = await startFakePyroscope(t);
  const queue = await scratch(t);
  await assert.rejects(push(server, queue, ['/no/such/path']), {
    name: 'SinkError',
    message: '/no/such/path: no such file or directory',
  });
});

test('--retry sends what was refused', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  await scraped(dir, 2);
  server.answer = () => ({ status: 400 });
  const first = await push(server, queue, [dir]);
  assert.deepEqual(first.summary, { ...wellDone, rejected: 2 });
  server.answer = () => ({});
  const second = await push(server, queue, [], { retryRejected: true });
  assert.deepEqual(second.summary, { ...wellDone, accepted: 2 });
  assert.deepEqual(await readdir(join(queue, 'main', 'rejected')), []);
  const third = await push(server, queue, [dir], { retryRejected: true });
  assert.deepEqual(third.summary, { ...wellDone, skipped: 2 });
});

test('text dumps that an index knows are named, counted and not sent', async (t) => {
  const dir = await scratch(t);
  await scraped(dir, 2);
  const index = join(dir, 'index.ndjson');
  const [profile = '', dump = ''] = (await readFile(index, 'utf8')).split('\n');
  const path = 'shop/checkout/a_6060/block/1.txt.gz';
  await writeFile(join(dir, path), gzipSync('goroutine 1 [select]:\n'));
  const line = JSON.stringify({ ...JSON.parse(dump), path, kind: 'text', samples: 0 });
  await writeFile(index, `${profile}\n${line}\n`);
  const server = await startFakePyroscope(t);
  const named: string[] = [];
  const onLeftOut = ({ name, why }: LeftOut) => named.push(`${why}: ${name}`);
  const { summary, failures } = await push(server, await scratch(t), [dir], { onLeftOut });
  assert.deepEqual(failures, []);
  assert.deepEqual(summary, { ...wellDone, accepted: 1, textDumps: 1 });
  assert.deepEqual(named, [`text: ${join(dir, path)}`]);
});

test('a profile is sent as the agent that its index names', async (t) => {
  const server = await startFakePyroscope(t);
  const dir = await scratch(t);
  await scraped(dir, 1);
  await push(server, await scratch(t), [dir]);
  assert.equal(server.received[0]?.query.get('spyName'), 'nodespy');
});

test('of a directory without an index every file is in one of the counts, and named where it is not sent', async (t) => {
  const server = await startFakePyroscope(t);
  const dir = await scratch(t);
  const sent = ['a.pb.gz', 'b.pb', 'c.pprof', 'd.prof', 'e.pgo', 'f.pprof.gz'];
  for (const [index, name] of sent.entries()) {
    await writeFile(join(dir, name), pprofOf(['samples'], { timeNanos: FROM + BigInt(index) }));
  }
  await writeFile(join(dir, 'empty.pb.gz'), pprofOf(['samples'], { samples: [] }));
  await writeFile(join(dir, 'junk.prof'), 'junk');
  await writeFile(join(dir, 'notes.md'), 'what was measured');
  const named: string[] = [];
  const onLeftOut = ({ name, why }: LeftOut) => named.push(`${why}: ${name}`);
  const { summary, failures } = await push(server, await scratch(t), [dir], { onLeftOut });
  assert.deepEqual(summary, { ...wellDone, accepted: sent.length, empty: 1, ignored: 1, failed: 1 });
  assert.deepEqual(named, [`empty: ${join(dir, 'empty.pb.gz')}`, `name: ${join(dir, 'notes.md')}`]);
  assert.deepEqual(
    failures.map(({ name }) => name),
    [join(dir, 'junk.prof')],
  );
});

test('a file that write-relabel-configs drop is counted and named', async (t) => {
  const server = await startFakePyroscope(t);
  const dir = await scratch(t);
  await writeFile(join(dir, 'a.pb.gz'), pprofOf(['samples']));
  const named: string[] = [];
  const { rule } = compileRule({ action: 'drop' });
  assert.ok(rule);
  const { summary } = await push(server, await scratch(t), [dir], {
    remote: { writeRelabelRules: [rule] },
    onLeftOut: ({ name, why }) => named.push(`${why}: ${name}`),
  });
  assert.deepEqual(summary, { ...wellDone, filtered: 1 });
  assert.deepEqual(named, [`filtered: ${join(dir, 'a.pb.gz')}`]);
});

test('a refusal by the server names the file', async (t) => {
  const server = await startFakePyroscope(t);
  const [dir, queue] = [await scratch(t), await scratch(t)];
  const file = join(dir, 'a.pgo');
  await writeFile(file, pprofOf(['samples']));
  server.answer = () => ({ status: 400 });
  const { messages } = await push(server, queue, [file]);
  const [message = ''] = messages.filter((text) => text.includes('refused for good'));
  assert.ok(message.startsWith(`${file} (cpu of `), message);
});
