import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { CpuProfilerInUseError } from '../../src/selfprofile/cpu-profile.ts';
import { createPprofHandler, type PprofHandlerDeps } from '../../src/selfprofile/pprof-handler.ts';

const CPU = Buffer.from('a CPU profile');
const HEAP = Buffer.from('a heap profile');

/** A server with the handler and nothing else; gives its URL and the durations that were asked of the CPU profiler. */
async function startServer(t: TestContext, deps: Partial<PprofHandlerDeps> = {}) {
  const recorded: number[] = [];
  const handle = createPprofHandler({
    cpu: {
      record: async (durationMs) => {
        recorded.push(durationMs);
        return CPU;
      },
    },
    heap: { profile: () => HEAP },
    ...deps,
  });
  const server = createServer((req, res) => {
    if (!handle(req, res)) res.writeHead(418).end('not for pprof');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, recorded };
}

const served = [
  { path: '/debug/pprof/profile?seconds=1', filename: 'profile', body: CPU },
  { path: '/debug/pprof/heap', filename: 'heap', body: HEAP },
  { path: '/debug/pprof/heap?gc=1', filename: 'heap', body: HEAP },
  { path: '/debug/pprof/heap?debug=0', filename: 'heap', body: HEAP },
  { path: '/debug/pprof/allocs', filename: 'allocs', body: HEAP },
];
for (const { path, filename, body } of served) {
  test(`serves ${path} as a gzip file, with Go's headers`, async (t) => {
    const { url } = await startServer(t);
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="${filename}"`);
    assert.equal(response.headers.get('content-encoding'), null);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.deepEqual(gunzipSync(Buffer.from(await response.arrayBuffer())), body);
  });
}

const durations = [
  { query: '', ms: 30_000 },
  { query: '?seconds=', ms: 30_000 },
  { query: '?seconds=5', ms: 5_000 },
  { query: '?seconds=%2B5', ms: 5_000 },
  { query: '?seconds=007', ms: 7_000 },
  { query: '?seconds=0', ms: 30_000 },
  { query: '?seconds=-3', ms: 30_000 },
  { query: '?seconds=0.5', ms: 30_000 },
  { query: '?seconds=abc', ms: 30_000 },
  { query: '?seconds=1&seconds=2', ms: 1_000 },
  { query: '?seconds=3600', ms: 3_600_000 },
];
for (const { query, ms } of durations) {
  test(`profiles ${ms} ms for profile${query}`, async (t) => {
    const { url, recorded } = await startServer(t);
    assert.equal((await fetch(`${url}/debug/pprof/profile${query}`)).status, 200);
    assert.deepEqual(recorded, [ms]);
  });
}

const refused = [
  { path: '/debug/pprof/nonsense', status: 404, text: 'Unknown profile' },
  { path: '/debug/pprof/goroutine', status: 404, text: 'Unknown profile' },
  { path: '/debug/pprof/heap/more', status: 404, text: 'Unknown profile' },
  { path: '/debug/pprof/profile?seconds=3601', status: 400, text: "profile duration exceeds server's WriteTimeout" },
  {
    path: '/debug/pprof/heap?seconds=2',
    status: 400,
    text: '"seconds" parameter is not supported for this profile type',
  },
  ...['0', '-1', '1.5', 'abc'].map((seconds) => ({
    path: `/debug/pprof/allocs?seconds=${seconds}`,
    status: 400,
    text: 'invalid value for "seconds" - must be a positive integer',
  })),
  {
    path: '/debug/pprof/heap?debug=1',
    status: 400,
    text: '"debug" parameter is not supported: profiles are served in pprof format only',
  },
];
for (const { path, status, text } of refused) {
  test(`answers ${path} with ${status} in plain text, as Go does`, async (t) => {
    const { url } = await startServer(t);
    const response = await fetch(url + path);
    assert.equal(response.status, status);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(response.headers.get('x-go-pprof'), '1');
    assert.equal(await response.text(), `${text}\n`);
  });
}

test('says that another CPU profile is under way', async (t) => {
  const { url } = await startServer(t, { cpu: { record: () => Promise.reject(new CpuProfilerInUseError()) } });
  const response = await fetch(`${url}/debug/pprof/profile?seconds=1`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), 'Could not enable CPU profiling: cpu profiling already in use\n');
});

test('answers 500 when a profiler fails', async (t) => {
  const heap = {
    profile: () => {
      throw new Error('the inspector has not answered');
    },
  };
  const { url } = await startServer(t, { heap });
  const response = await fetch(`${url}/debug/pprof/heap`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), 'the inspector has not answered\n');
});

test('stops the CPU profile when the client goes away', { timeout: 10_000 }, async (t) => {
  const { promise: stopped, resolve: stop } = withResolvers<string>();
  const { promise: begun, resolve: begin } = withResolvers<void>();
  const record: PprofHandlerDeps['cpu']['record'] = (durationMs, signal) => {
    begin();
    return sleep(durationMs, CPU, { signal }).catch((error: Error) => {
      stop(error.name);
      throw error;
    });
  };
  const { url } = await startServer(t, { cpu: { record } });
  const request = get(`${url}/debug/pprof/profile?seconds=60`).on('error', () => {});
  await begun;
  request.destroy();
  assert.equal(await stopped, 'AbortError');
});

test('lists its profiles, and leads there from the path without a slash', async (t) => {
  const { url } = await startServer(t);
  const response = await fetch(`${url}/debug/pprof`);
  assert.equal(response.url, `${url}/debug/pprof/`);
  assert.match(await response.text(), /href="heap"/);
});

test('refuses other methods', async (t) => {
  const { url, recorded } = await startServer(t);
  const response = await fetch(`${url}/debug/pprof/profile`, { method: 'POST' });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'GET, HEAD');
  assert.deepEqual(recorded, []);
});

for (const path of ['/', '/debug', '/debug/pprofile', '/metrics?x=/debug/pprof/heap']) {
  test(`leaves ${path} to others`, async (t) => {
    const { url } = await startServer(t);
    assert.equal((await fetch(url + path)).status, 418);
  });
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
