import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/config/http-client-config.ts';
import { PRESETS } from '../../src/config/presets.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE, type RemoteWriteConfig } from '../../src/config/scrape-config.ts';
import { describePushEvent, type PushEvent } from '../../src/sinks/pyroscope/push-event.ts';
import { createPyroscopeSink, type PyroscopeSink } from '../../src/sinks/pyroscope/pyroscope-sink.ts';
import { buildProfile } from '../support/build-profile.ts';
import { startFakePyroscope } from '../support/fake-pyroscope.ts';
import { startFakeTarget } from '../support/fake-target.ts';
import { finishedProfile } from '../support/finished-profile.ts';
import { until } from '../support/queue-fixtures.ts';
import { readProfile } from '../support/read-profile.ts';

function remoteTo(url: string, changes: Partial<RemoteWriteConfig> = {}): RemoteWriteConfig {
  return {
    url,
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
    ...changes,
  };
}

async function rig(t: TestContext, remote: RemoteWriteConfig, queueRoot?: string) {
  const root = queueRoot ?? (await mkdtemp(join(tmpdir(), 'pyro-push-')));
  const events: PushEvent[] = [];
  const sink = await createPyroscopeSink(remote, {
    queueRoot: root,
    http: { userAgent: 'pyro-pull/test' },
    onEvent: (event) => events.push(event),
  });
  t.after(async () => {
    await sink.close();
    if (queueRoot === undefined) await rm(root, { recursive: true, force: true });
  });
  return { sink, events, root };
}

const nowNanos = () => BigInt(Date.now()) * 1_000_000n;

/** A profile of a preset, measured just now. */
function profileOf(name: string, types: readonly string[], labels: Record<string, string> = {}) {
  const untilNanos = nowNanos();
  const fromNanos = untilNanos - 10_000_000_000n;
  const pprof = buildProfile({
    sampleTypes: types.map((type) => ({ type, unit: 'count' })),
    samples: [{ stack: [{ lines: [{ name: 'main' }] }], values: types.map((_, index) => BigInt(index + 1)) }],
    periodType: { type: 'x', unit: 'count' },
    timeNanos: fromNanos,
    durationNanos: 10_000_000_000n,
  });
  const preset = PRESETS.get(name);
  return finishedProfile({
    body: gzipSync(pprof),
    fromNanos,
    untilNanos,
    ...(preset === undefined ? {} : { target: { profile: preset } }),
    labels: { __name__: 'shop', instance: 'a:6060', ...labels },
  });
}

async function delivered(sink: PyroscopeSink): Promise<void> {
  await sink.flush(10_000);
  assert.equal(sink.stats.queued, 0);
}

for (const api of ['ingest', 'push'] as const) {
  test(`${api}: a profile arrives with its labels, the same bytes, and who sent it`, async (t) => {
    const server = await startFakePyroscope(t);
    const remote = remoteTo(`${server.url}/base/`, {
      api,
      tenantId: 'team-a',
      headers: new Map([['x-extra', '1']]),
      http: { ...DEFAULT_HTTP_CLIENT, basicAuth: { username: { value: 'u' }, password: { value: 'p' } } },
    });
    const { sink } = await rig(t, remote);
    const profile = profileOf('mem', ['alloc_objects', 'alloc_space']);
    await sink.write(profile);
    await delivered(sink);
    const [received] = server.received;
    assert.ok(received);
    assert.equal(received.path, api === 'ingest' ? '/base/ingest' : '/base/push.v1.PusherService/Push');
    assert.deepEqual(Buffer.from(received.profile), Buffer.from(profile.body));
    assert.equal(received.headers['x-scope-orgid'], 'team-a');
    assert.equal(received.headers['x-extra'], '1');
    assert.equal(received.headers.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
    assert.equal(received.headers['user-agent'], 'pyro-pull/test');
    assert.equal(received.headers['content-encoding'], undefined);
    const expected =
      api === 'ingest'
        ? { __name__: 'shop', instance: 'a:6060' }
        : {
            __delta__: 'false',
            __name__: 'memory',
            instance: 'a:6060',
            pyroscope_spy: 'gospy',
            service_name: 'shop',
          };
    assert.deepEqual(Object.fromEntries(received.labels), expected);
  });
}

test('every preset has the same series on both APIs', async (t) => {
  const server = await startFakePyroscope(t);
  const { sink } = await rig(t, remoteTo(server.url, { api: 'push' }));
  const types: Record<string, string[]> = {
    cpu: ['samples'],
    mem: ['inuse_space'],
    goroutines: ['goroutine'],
    mutex: ['contentions', 'delay'],
    block: ['contentions', 'delay'],
  };
  for (const [name, columns] of Object.entries(types)) await sink.write(profileOf(name, columns));
  await delivered(sink);
  const names = server.received.map(({ labels }) => new Map(labels).get('__name__')).sort();
  assert.deepEqual(names, ['block', 'goroutines', 'memory', 'mutex', 'process_cpu']);
});

test('a block profile on /ingest brings its sample_type_config', async (t) => {
  const server = await startFakePyroscope(t);
  const { sink } = await rig(t, remoteTo(server.url));
  const profile = profileOf('block', ['contentions', 'delay']);
  await sink.write(profile);
  await delivered(sink);
  const [received] = server.received;
  assert.deepEqual(Buffer.from(received?.profile ?? []), Buffer.from(profile.body));
  assert.match(received?.sampleTypeConfig ?? '', /"display-name":"block_count"/);
});

test('a server that fails in every way gets everything, in order for each series', async (t) => {
  const server = await startFakePyroscope(t);
  const mishaps = [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 500 },
    { fault: 'reset' as const },
    { fault: 'stall' as const },
    { status: 408 },
    { status: 422 },
  ];
  server.answer = (_received, number) => mishaps[number % 9] ?? {};
  const { sink } = await rig(t, remoteTo(server.url, { timeoutMs: 100 }));
  for (let index = 0; index < 30; index++) {
    await sink.write(profileOf('cpu', ['samples'], { instance: `i${index % 3}`, seq: '0', index: 'x' }));
  }
  await sink.flush(20_000);
  assert.equal(sink.stats.queued, 0);
  assert.equal(sink.stats.accepted + sink.stats.rejected, 30);
  const times = new Map<string, bigint>();
  for (const received of server.accepted()) {
    const instance = new Map(received.labels).get('instance') ?? '';
    const at = BigInt(received.query.get('until') ?? 0);
    assert.ok(at >= (times.get(instance) ?? 0n), `${instance} out of order`);
    times.set(instance, at);
  }
});

test('a redirect is not followed, and final', async (t) => {
  const elsewhere = await startFakePyroscope(t);
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 308, headers: { location: `${elsewhere.url}/ingest?token=hunter2` } });
  const { sink, events } = await rig(t, remoteTo(server.url));
  await sink.write(profileOf('cpu', ['samples']));
  await delivered(sink);
  assert.equal(sink.stats.rejected, 1);
  assert.equal(elsewhere.received.length, 0);
  const rejected = events.find((event) => event.type === 'rejected');
  assert.equal(rejected?.answer, `HTTP 308 to ${elsewhere.url}/ingest?token=xxxxx: status 308`);
  assert.match(
    (rejected && describePushEvent(rejected).hint) ?? '',
    /give the address that the server names as the url/,
  );
});

test('an answer that is a long page leaves its status', async (t) => {
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 400, body: 'x'.repeat(1_000_000) });
  const { sink, events } = await rig(t, remoteTo(server.url));
  await sink.write(profileOf('cpu', ['samples']));
  await delivered(sink);
  const rejected = events.find((event) => event.type === 'rejected');
  assert.match(rejected?.answer ?? '', /^HTTP 400/);
});

for (const broken of ['cut', 'without end'] as const) {
  test(`a profile that was answered 200 is sent once, although the body is ${broken}`, async (t) => {
    let requests = 0;
    const server = await startFakeTarget(t, (request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-length': 100 }).write('x');
      if (broken === 'cut') setImmediate(() => request.socket.destroy());
    });
    const { sink, events } = await rig(t, remoteTo(server.url, { timeoutMs: 300 }));
    await sink.write(profileOf('cpu', ['samples']));
    await delivered(sink);
    assert.equal(requests, 1);
    assert.ok(!events.some(({ type }) => type === 'retrying' || type === 'unavailable' || type === 'rejected'));
  });
}

test('what the server would refuse is told at once, and kept for --retry', async (t) => {
  const server = await startFakePyroscope(t);
  const limits = { ...DEFAULT_PUSH_LIMITS, maxProfileBytes: 10 };
  const { sink, events, root } = await rig(t, remoteTo(server.url, { limits }));
  const { remote } = await sink.write(profileOf('cpu', ['samples']));
  assert.equal(remote?.outcome, 'refused');
  const [told, ...more] = events.map((event) => describePushEvent(event));
  assert.equal(more.length, 0);
  assert.match(told?.message ?? '', /not sent: the profile has .* inflated, the server takes 10 bytes$/);
  assert.match(told?.hint ?? '', /^raise max_profile_size_bytes on the server/);
  assert.equal(server.received.length, 0);
  assert.equal(sink.stats.rejected, 1);
  const files = await readdir(join(root, 'main', 'rejected'));
  assert.equal(files.length, 2);
  assert.equal(await sink.retryRejected(), 1);
  await delivered(sink);
  assert.equal(server.received.length, 1);
});

test('an empty profile is not sent', async (t) => {
  const server = await startFakePyroscope(t);
  const { sink } = await rig(t, remoteTo(server.url));
  const empty = buildProfile({ sampleTypes: [{ type: 'samples', unit: 'count' }], samples: [] });
  await sink.write({ ...profileOf('cpu', ['samples']), body: gzipSync(empty) });
  await delivered(sink);
  assert.equal(server.received.length, 0);
});

test('a dead remote delays neither writing nor another remote', async (t) => {
  const server = await startFakePyroscope(t);
  const stalled = await startFakePyroscope(t);
  stalled.answer = () => ({ fault: 'stall' });
  const dead = await rig(t, remoteTo(stalled.url, { timeoutMs: 60_000 }));
  const live = await rig(t, remoteTo(server.url));
  for (let index = 0; index < 20; index++) {
    await Promise.all([dead, live].map(({ sink }) => sink.write(profileOf('cpu', ['samples'], { i: `${index}` }))));
  }
  await delivered(live.sink);
  assert.equal(server.received.length, 20);
  assert.equal(dead.sink.stats.queued, 20);
});

test('what one run leaves the next one sends first', async (t) => {
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 503 });
  const root = await mkdtemp(join(tmpdir(), 'pyro-push-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const first = await rig(t, remoteTo(server.url), root);
  for (let index = 0; index < 5; index++) await first.sink.write(profileOf('cpu', ['samples'], { run: 'first' }));
  await first.sink.flush(50);
  assert.equal(first.sink.stats.queued, 5);
  await first.sink.close();
  server.answer = () => ({});
  const second = await rig(t, remoteTo(server.url, { queue: { ...DEFAULT_QUEUE, maxInFlight: 1 } }), root);
  await second.sink.write(profileOf('cpu', ['samples'], { run: 'second' }));
  await delivered(second.sink);
  const runs = server.accepted().map(({ labels }) => new Map(labels).get('run'));
  assert.deepEqual(runs, ['first', 'first', 'first', 'first', 'first', 'second']);
});

test('labels of samples are made portable once told', async (t) => {
  const server = await startFakePyroscope(t);
  const { sink, events } = await rig(t, remoteTo(server.url));
  const pprof = buildProfile({
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    samples: [{ stack: [{ lines: [{ name: 'main' }] }], values: [1n], labels: [{ key: 'pebble.x', str: 'y' }] }],
    timeNanos: nowNanos(),
  });
  for (let index = 0; index < 3; index++) await sink.write({ ...profileOf('cpu', ['samples']), body: gzipSync(pprof) });
  await delivered(sink);
  assert.equal(sink.stats.sanitized, 3);
  const notes = events.filter((event) => event.type === 'note');
  assert.equal(notes.length, 1);
  assert.match(notes[0] ? describePushEvent(notes[0]).message : '', /pebble\.x → pebble_x/);
  for (const { profile } of server.received) {
    assert.deepEqual(
      readProfile(gunzipSync(profile)).samples[0]?.labels.map(({ key }) => key),
      ['pebble_x'],
    );
  }
});

test('profiles older than the window are sent, with one warning until it has caught up', async (t) => {
  const server = await startFakePyroscope(t);
  const { sink, events } = await rig(t, remoteTo(server.url));
  const old = profileOf('cpu', ['samples']);
  const hours = 7_200_000_000_000n;
  const earlier = { ...old, fromNanos: old.fromNanos - hours, untilNanos: old.untilNanos - hours };
  for (const profile of [earlier, earlier, old, earlier]) {
    await sink.write(profile);
    await until(() => sink.stats.queued === 0 && sink.stats.inFlight === 0);
  }
  assert.equal(server.received.length, 4);
  const warnings = events.filter((event) => event.type === 'outside-window');
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ? describePushEvent(warnings[0]).message : '', /back to 60m by default/);
});

test('no secret is in a queue file, an event or an error', async (t) => {
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 401, body: '{"message":"no"}' });
  const secrets = ['hunter2', 'tok-123456', 'header-secret'];
  const http: HttpClientConfig = {
    ...DEFAULT_HTTP_CLIENT,
    basicAuth: { username: { value: 'me' }, password: { value: 'hunter2' } },
  };
  const remote = remoteTo(server.url.replace('http://', 'http://x:tok-123456@'), {
    http,
    headers: new Map([['x-key', 'header-secret']]),
  });
  const { sink, events, root } = await rig(t, remote);
  await sink.write(profileOf('cpu', ['samples']));
  await sink.flush(1_000);
  assert.equal(sink.stats.queued, 1);
  const files = await readdir(join(root, 'main'), { withFileTypes: true });
  const texts = [
    JSON.stringify(events, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ...events.map((event) => JSON.stringify(describePushEvent(event))),
  ];
  for (const file of files) if (file.isFile()) texts.push(await readFile(join(root, 'main', file.name), 'latin1'));
  assert.ok(texts.length > 3);
  for (const secret of secrets) for (const text of texts) assert.ok(!text.includes(secret), `${secret} in ${text}`);
});
