import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ConfigError } from '../../src/errors.ts';
import { createLoopRoutes } from '../../src/status/loop-routes.ts';
import { startStatusServer } from '../../src/status/status-server.ts';
import { FakeLoop, fakeRemote, STARTED_MS } from '../support/fake-loop.ts';
import { plainRequest } from '../support/http-request.ts';
import { readProfile } from '../support/read-profile.ts';

async function serve(t: TestContext, loop: FakeLoop, now = () => STARTED_MS) {
  const { routes, close } = createLoopRoutes({ handle: loop, remotes: () => [fakeRemote()], version: '1.2.3', now });
  const server = await startStatusServer({ host: '127.0.0.1', port: 0 }, routes, {
    onFault: (error) => assert.fail(String(error)),
  });
  t.after(async () => {
    close();
    await server.close();
  });
  const { port } = server.address;
  return { port, ask: (path: string, method = 'GET') => plainRequest(port, path, { method }) };
}

test('healthy from the start; ready when every job has had an answer of its discovery', async (t) => {
  const loop = new FakeLoop();
  loop.isReady = false;
  const job = await loop.addJob({ 'job-name': 'shop' }, []);
  loop.shownJobs[0] = { ...job, isDiscovered: false };
  const { ask } = await serve(t, loop);
  assert.equal((await ask('/-/healthy')).status, 200);
  const waiting = await ask('/-/ready');
  assert.deepEqual([waiting.status, waiting.text], [503, 'waiting for the first answer of discovery: shop\n']);
  loop.isReady = true;
  assert.equal((await ask('/-/ready')).status, 200);
  loop.isStopping = true;
  assert.deepEqual([(await ask('/-/ready')).status, (await ask('/-/healthy')).status], [503, 200]);
});

test('a reload is answered when it is done, with what is wrong where it is not taken over', async (t) => {
  const loop = new FakeLoop();
  const { ask } = await serve(t, loop);
  assert.equal((await ask('/-/reload')).status, 405);
  assert.equal(loop.reloads, 0);
  assert.equal((await ask('/-/reload', 'POST')).status, 200);
  assert.equal(loop.reloads, 1);
  const problem = {
    file: 'p.yml',
    position: undefined,
    path: '',
    message: 'empty',
    hint: undefined,
    excerpt: undefined,
  };
  loop.reloadResult = { isGood: false, error: new ConfigError('p.yml', [problem]) };
  const { status, text } = await ask('/-/reload', 'POST');
  assert.deepEqual([status, text], [500, 'the old config stays: 1 problem in p.yml\np.yml: empty\n']);
});

test('the root leads to the page, and the page to nothing but its own files', async (t) => {
  const { ask } = await serve(t, new FakeLoop());
  const { status, headers } = await ask('/');
  assert.deepEqual([status, headers['location']], [302, '/targets']);
  const page = await ask('/targets');
  assert.match(String(page.headers['content-type']), /^text\/html/);
  const files = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path ?? '');
  assert.ok(files.includes('/page/targets.js'));
  for (const path of files) {
    assert.ok(path.startsWith('/'), `${path} is on this server`);
    assert.equal((await ask(path)).status, 200, path);
  }
  assert.doesNotMatch(page.text, /<script>|<style|style=|onclick=/, 'nothing that the policy forbids');
});

test('a link on another site leads to the page, and to nothing that has an effect or a cost', async (t) => {
  const loop = new FakeLoop();
  const { port } = await serve(t, loop);
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const statusOf = async (path: string) => (await plainRequest(port, path, { headers: link })).status;
  assert.deepEqual([await statusOf('/'), await statusOf('/targets')], [302, 200]);
  for (const path of [
    '/debug/pprof/profile?seconds=1',
    '/debug/pprof/heap',
    '/debug/pprof/',
    '/debug/pprof',
    '/-/reload',
    '/-/healthy',
    '/-/ready',
    '/metrics',
    '/api/v1/targets',
    '/page/overview.json',
    '/page/targets.js',
    '/nothing',
  ])
    assert.equal(await statusOf(path), 403, path);
});

test('JSON for the page, for tools, and numbers', async (t) => {
  const loop = new FakeLoop();
  await loop.addJob({ 'job-name': 'shop', 'enabled-profiles': ['mem'] }, [
    { __address__: 'a:1' },
    { __address__: 'b:1' },
  ]);
  const { ask } = await serve(t, loop);
  const overview = JSON.parse((await ask('/page/overview.json?filter=b:1')).text);
  assert.deepEqual([overview.version, overview.jobs[0].matching, overview.remotes.length], ['1.2.3', 1, 1]);
  const targets = JSON.parse((await ask('/api/v1/targets?scrapePool=shop')).text);
  assert.equal(targets.data.activeTargets.length, 2);
  const metrics = await ask('/metrics');
  assert.match(metrics.text, /^pyro_pull_targets\{job="shop",state="up"\} 2$/m);
  assert.match(String(metrics.headers['content-type']), /^text\/plain; version=0\.0\.4/);
});

test('all who ask within half a second see the same', async (t) => {
  const loop = new FakeLoop();
  let nowMs = STARTED_MS;
  const { ask } = await serve(t, loop, () => nowMs);
  const jobs = async () => JSON.parse((await ask('/page/overview.json')).text).jobs.length;
  assert.equal(await jobs(), 0);
  await loop.addJob({ 'job-name': 'new' }, []);
  assert.equal(await jobs(), 0);
  nowMs += 500;
  assert.equal(await jobs(), 1);
  loop.shownJobs.pop();
  nowMs -= 3_600_000; // the clock was set
  assert.equal(await jobs(), 0);
});

test("this process's own profiles are pprof", async (t) => {
  const { ask, port } = await serve(t, new FakeLoop());
  assert.equal((await ask('/debug/pprof')).status, 301);
  assert.match((await ask('/debug/pprof/')).text, /<h1>\/debug\/pprof\/<\/h1>/);
  assert.equal((await ask('/debug/pprof/nonsense')).status, 404);
  const body = await (await fetch(`http://127.0.0.1:${port}/debug/pprof/heap`)).arrayBuffer();
  assert.deepEqual(readProfile(gunzipSync(body)).sampleTypes, [{ type: 'alloc_space', unit: 'bytes' }]);
});
