import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DiscoveryConfig, HttpDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import { DiscoveryPool } from '../../src/discovery/discovery-pool.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SIGNAL = new AbortController().signal;

function discoverOnce(job: { readonly discovery: readonly DiscoveryConfig[] }, timeoutMs: number, signal = SIGNAL) {
  return new DiscoveryPool().once(job, { signal, timeoutMs });
}

async function* discoverJob(
  job: { readonly discovery: readonly DiscoveryConfig[] },
  signal = SIGNAL,
): AsyncGenerator<DiscoveryUpdate> {
  const pool = new DiscoveryPool();
  try {
    yield* pool.watch(job, signal);
  } finally {
    await pool.close();
  }
}

function statics(...addresses: string[]): DiscoveryConfig {
  const group = { targets: addresses, labels: new Map([['env', 'dev']]), application: 'app', spyName: 'gospy' };
  return {
    mechanism: 'static',
    dir: '/etc/pyro-pull',
    groups: [group, { ...group, targets: [], application: undefined, spyName: undefined }],
  };
}

function files(...paths: string[]): DiscoveryConfig {
  return { mechanism: 'file', files: paths, refreshIntervalMs: 300_000 };
}

const http: HttpDiscoveryConfig = {
  mechanism: 'http',
  url: 'http://127.0.0.1:1/', // nobody listens
  refreshIntervalMs: 60_000,
  http: DEFAULT_HTTP_CLIENT,
};

test('static groups become target groups with their place as source', async () => {
  const { groups, failures, warnings } = await discoverOnce({ discovery: [statics('a:1', '')] }, 1000);
  assert.deepEqual([failures, warnings], [[], []]);
  assert.deepEqual(groups, [
    {
      source: 'static-configs[0]',
      targets: [
        new Map([
          ['__address__', 'a:1'],
          ['__name__', 'app'],
          ['__spy_name__', 'gospy'],
        ]),
        new Map([
          ['__name__', 'app'],
          ['__spy_name__', 'gospy'],
        ]),
      ],
      labels: new Map([['env', 'dev']]),
      socketDir: '/etc/pyro-pull',
    },
    { source: 'static-configs[1]', targets: [], labels: new Map([['env', 'dev']]), socketDir: '/etc/pyro-pull' },
  ]);
});

test('one mechanism that fails leaves the groups of the others, and is named by its place in the config', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":["f:1"]}]');
  const discovery = [statics('s:1'), files(path), files(`${path}x.json`), http];
  const { groups, failures } = await discoverOnce({ discovery }, 5000);
  assert.deepEqual(
    groups.map(({ source }) => source),
    ['static-configs[0]', 'static-configs[1]', `${path}:0`],
  );
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message.replace(/;.*/, '')]),
    [
      ['SD_FILE_MISSING', `file-sd-configs[1]: there is no file ${path}x.json`],
      ['SD_HTTP_FAILED', 'http-sd-configs[0]: http://127.0.0.1:1/: connection refused'],
    ],
  );
});

test('a mechanism that does not answer in time is a failure', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[');
  // The half-written file is given another 200 ms, which is longer than the limit.
  const discovery = [files(path), statics('s:1')];
  const { groups, failures } = await discoverOnce({ discovery }, 20);
  assert.equal(groups.length, 2);
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [['SD_TIMEOUT', 'file-sd-configs[0]: no full answer within 20ms']],
  );
});

test('rejects with the reason of the signal', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[');
  const stop = new AbortController();
  const answer = discoverOnce({ discovery: [files(path)] }, 60_000, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(answer, { message: 'enough' });
});

test('a job without any mechanism has no groups', async () => {
  const update = await discoverOnce({ discovery: [] }, 1000);
  assert.deepEqual(update, { groups: [], failures: [], warnings: [] });
});

test('a watched job gives the groups of all mechanisms together, again when one changes', {
  timeout: 20_000,
}, async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":["f:1"]}]');
  const job = { discovery: [statics('s:1'), files(path), http] };
  const seen: string[] = [];
  for await (const { groups, failures } of discoverJob(job)) {
    const addresses = groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__')));
    seen.push([...addresses, failures.length].join(' '));
    if (seen.at(-1) === 's:1 f:1 1') writeFileSync(path, '[{"targets":["f:2"]}]');
    if (seen.at(-1) === 's:1 f:2 1') break;
  }
  assert.equal(seen.at(-1), 's:1 f:2 1');
});

test('a watch ends with its signal', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { groups } of discoverJob({ discovery: [statics('s:1'), http] }, stop.signal)) {
    seen.push(groups.length);
    if (seen.length === 2) stop.abort();
  }
  assert.equal(seen.at(-1), 2);
});

test('what changes during the distance between two updates comes in the second of them', {
  timeout: 20_000,
}, async (t) => {
  const dir = temporaryDirectory(t);
  const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => join(dir, `${name}.json`));
  for (const path of paths) writeFileSync(path, JSON.stringify([{ targets: [path] }]));
  const job = { discovery: paths.map((path) => files(path)) };
  const counts: number[] = [];
  for await (const { groups } of discoverJob(job)) {
    counts.push(groups.length);
    if (groups.length === 5) break;
  }
  assert.ok(counts.length <= 3, `updates with ${counts} groups`);
});

/** A service of target lists that counts its questions, and may be told to fail. */
async function listServer(t: TestContext) {
  const state = { asked: 0, status: 200 };
  const server = createServer((_, response) => {
    state.asked += 1;
    response.writeHead(state.status, { 'content-type': 'application/json' }).end('[{"targets":["h:1","h:2"]}]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const config: HttpDiscoveryConfig = { ...http, url: `http://127.0.0.1:${address.port}/` };
  return { state, config };
}

/** The first update, and the rest of the watch. */
async function begin(pool: DiscoveryPool, jobName: string, discovery: readonly DiscoveryConfig[], signal = SIGNAL) {
  const updates = pool.watch({ jobName, discovery }, signal);
  const { value } = await updates.next();
  return { first: value, updates };
}

test('jobs whose blocks say the same share one discoverer, and one that comes later has its answer at once', async (t) => {
  const { state, config } = await listServer(t);
  const pool = new DiscoveryPool();
  t.after(() => pool.close());
  const a = await begin(pool, 'a', [config]);
  const b = await begin(pool, 'b', [{ ...config }]);
  assert.equal(state.asked, 1);
  assert.deepEqual(b.first, a.first);
  assert.deepEqual(
    pool.view().map(({ name, jobNames, targets, refreshes }) => ({ name, jobNames, targets, refreshes })),
    [{ name: 'http-sd-configs[0]', jobNames: ['a', 'b'], targets: 2, refreshes: 1 }],
  );
});

test('blocks that differ, or stand at another place, do not share', async (t) => {
  const { state, config } = await listServer(t);
  const pool = new DiscoveryPool();
  t.after(() => pool.close());
  await begin(pool, 'a', [config]);
  await begin(pool, 'b', [{ ...config, refreshIntervalMs: 61_000 }]);
  await begin(pool, 'c', [{ ...config, http: { ...DEFAULT_HTTP_CLIENT, headers: new Map([['X', { values: [] }]]) } }]);
  assert.equal(state.asked, 3);
});

test('a one-shot run asks a source that several jobs share once', async (t) => {
  const { state, config } = await listServer(t);
  const pool = new DiscoveryPool();
  const options = { signal: SIGNAL, timeoutMs: 5000 };
  const updates = await Promise.all(['a', 'b'].map((jobName) => pool.once({ jobName, discovery: [config] }, options)));
  assert.equal(state.asked, 1);
  assert.deepEqual(updates[0], updates[1]);
});

test('a source goes on for a moment when nobody follows it, so that a reload asks nothing anew', async (t) => {
  const { state, config } = await listServer(t);
  const time = new FakeWait();
  const pool = new DiscoveryPool({ deps: time });
  t.after(() => pool.close());
  const a = await begin(pool, 'a', [config]);
  await a.updates.return(undefined);
  const b = await begin(pool, 'b', [config]);
  time.clock.advance(3_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(pool.view()[0]?.jobNames, ['b']);
  assert.equal(state.asked, 1);
  await b.updates.return(undefined);
  assert.equal(pool.view().length, 1);
  time.clock.advance(2_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(pool.view(), []);
  await begin(pool, 'c', [config]);
  assert.equal(state.asked, 2);
});

test('refreshes, failures and the last success are counted, whether they bring news or not', async (t) => {
  const { state, config } = await listServer(t);
  const time = new FakeWait();
  const pool = new DiscoveryPool({ deps: time });
  t.after(() => pool.close());
  const startMs = time.now();
  const { updates } = await begin(pool, 'a', [config]);
  const count = async (total: number) => {
    time.clock.advance(60_000);
    const deadline = Date.now() + 10_000;
    for (;;) {
      const [view] = pool.view();
      assert.ok(view);
      if (view.refreshes + view.failedRefreshes === total) return view;
      assert.ok(Date.now() < deadline);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const good = await count(2);
  assert.deepEqual([good.refreshes, good.failedRefreshes, good.lastSuccessMs], [2, 0, startMs + 60_000]);
  state.status = 500;
  const bad = await count(3);
  assert.deepEqual([bad.refreshes, bad.failedRefreshes, bad.lastSuccessMs], [2, 1, startMs + 60_000]);
  assert.equal((await updates.next()).value?.failures.length, 1);
  assert.deepEqual([pool.view()[0]?.targets, pool.view()[0]?.failures.length], [2, 1]);
});

test('closing ends those who follow', { timeout: 10_000 }, async (t) => {
  const { config } = await listServer(t);
  const pool = new DiscoveryPool();
  const { updates } = await begin(pool, 'a', [config]);
  const next = updates.next();
  await pool.close();
  assert.equal((await next).done, true);
});
