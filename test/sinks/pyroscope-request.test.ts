import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRESETS } from '../../src/config/presets.ts';
import { DEFAULT_PUSH_LIMITS } from '../../src/config/scrape-config.ts';
import type { SampleType } from '../../src/profile/sample-type.ts';
import { verdictOf } from '../../src/sinks/pyroscope/answer.ts';
import { columnsOf } from '../../src/sinks/pyroscope/outgoing-profile.ts';
import { connectRequest, ingestRequest } from '../../src/sinks/pyroscope/request.ts';
import { ingestName, pushLabels } from '../../src/sinks/pyroscope/series-labels.ts';
import { seriesName } from '../../src/sinks/pyroscope/series-name.ts';
import { metaOf } from '../support/queue-fixtures.ts';

const type = (name: string, unit = 'count'): SampleType => ({ type: name, unit });

const names = [
  { profile: 'cpu', types: [type('samples'), type('cpu', 'nanoseconds')], name: 'process_cpu', needsConfig: false },
  { profile: 'mem', types: [type('inuse_objects'), type('inuse_space')], name: 'memory', needsConfig: false },
  { profile: 'mem', types: [type('alloc_objects'), type('alloc_space')], name: 'memory', needsConfig: false },
  { profile: 'goroutines', types: [type('goroutine')], name: 'goroutines', needsConfig: false },
  { profile: 'goroutineleak', types: [type('goroutineleak')], name: 'goroutine_leak', needsConfig: true },
  { profile: 'mutex', types: [type('contentions'), type('delay')], name: 'mutex', needsConfig: false },
  { profile: 'block', types: [type('contentions'), type('delay')], name: 'block', needsConfig: true },
  { profile: 'fgprof', types: [type('samples'), type('time', 'nanoseconds')], name: 'fgprof', needsConfig: true },
  { profile: 'threadcreate', types: [type('threadcreate')], name: 'threadcreate', needsConfig: false },
  { profile: 'own', types: [type('samples'), type('wall', 'microseconds')], name: 'wall', needsConfig: false },
  { profile: 'own', types: [type('objects'), type('space', 'bytes')], name: 'memory', needsConfig: false },
  { profile: 'own', types: [type('contentions'), type('delay')], name: 'mutex', needsConfig: false },
  { profile: 'own', types: [type('widgets')], name: 'widgets', needsConfig: false },
];
for (const { profile, types, name, needsConfig } of names) {
  test(`${profile} with ${types.map((one) => one.type).join(', ')} is the series ${name}`, () => {
    const columns = columnsOf(PRESETS.get(profile)?.sampleTypes ?? new Map());
    assert.deepEqual(seriesName(types, columns), { name, needsConfig });
  });
}

const ingestNames: readonly (readonly [Record<string, string>, string])[] = [
  [{ __name__: 'shop' }, 'shop{}'],
  [{ __name__: 'shop', job: 'j', env: 'dev' }, 'shop{env=dev,job=j}'],
  [{ __name__: 'app', service_name: 'shop' }, 'shop{}'],
  [{ __name__: 'my app:1' }, 'my_app_1{}'],
  [{ __name__: 'Магазин' }, '_______{}'],
  [{ __name__: 'shop', a: 'x,y}z' }, 'shop{a=x_y_z}'],
  [{ __name__: 'shop', a: 'x\ny\0z' }, 'shop{a=x_y_z}'],
  [{ __name__: 'shop', a: 'b="{c' }, 'shop{a=b="{c}'],
  [{ __name__: 'shop', __meta__: 'x', __address__: 'y', pyroscope_spy: 'z' }, 'shop{}'],
  [{ instance: 'a:1' }, 'unknown_service{instance=a:1}'],
  [{ service_name: 'x},a=b' }, 'x__a_b{}'],
];
for (const [labels, name] of ingestNames) {
  test(`${JSON.stringify(labels)} is called ${name}`, () => {
    assert.equal(ingestName(new Map(Object.entries(labels))), name);
  });
}

test('the push API gets the same series with its internal labels, names unique and sorted', () => {
  const labels = new Map([
    ['__name__', 'app'],
    ['zone', 'a,}b'],
    ['__meta_x', 'no'],
    ['env', 'dev'],
  ]);
  assert.deepEqual(pushLabels(labels, 'memory', 'gospy'), [
    ['__delta__', 'false'],
    ['__name__', 'memory'],
    ['env', 'dev'],
    ['pyroscope_spy', 'gospy'],
    ['service_name', 'app'],
    ['zone', 'a,}b'],
  ]);
});

test('/ingest gets the raw profile with its times in nanoseconds', () => {
  const body = Uint8Array.of(0x1f, 0x8b, 1);
  const request = ingestRequest(metaOf(), body);
  const [path, query] = request.pathAndQuery.split('?');
  assert.equal(path, '/ingest');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(query)), {
    name: 'shop{instance=a:6060}',
    from: '1763805600000000001',
    until: '1763805610000000002',
    spyName: 'gospy',
    units: 'samples',
    aggregationType: 'sum',
    sampleRate: '100',
    format: 'pprof',
  });
  assert.equal(request.body, body);
});

test('a profile whose name the server would guess wrong comes as a form without format', () => {
  const columns = columnsOf(PRESETS.get('block')?.sampleTypes ?? new Map());
  const meta = metaOf({ sampleTypes: [type('contentions'), type('delay', 'nanoseconds')], columns });
  const { pathAndQuery, headers, body } = ingestRequest(meta, Buffer.from('PROFILE'));
  assert.doesNotMatch(pathAndQuery, /format=/);
  const boundary = /boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1] ?? '';
  const text = Buffer.from(body).toString();
  assert.ok(text.startsWith(`--${boundary}\r\n`) && text.endsWith(`\r\n--${boundary}--\r\n`));
  assert.match(text, /name="profile"; filename="profile\.pprof"\r\n.*?\r\n\r\nPROFILE\r\n--/s);
  const config: unknown = JSON.parse(/\r\n\r\n(\{.*\})\r\n/.exec(text)?.[1] ?? '');
  assert.deepEqual(config, {
    contentions: { units: 'lock_samples', 'display-name': 'block_count', aggregation: 'sum' },
    delay: { units: 'lock_nanoseconds', 'display-name': 'block_duration', aggregation: 'sum' },
  });
});

test('the push API gets one protobuf message with a deadline', () => {
  const { pathAndQuery, headers, body } = connectRequest(metaOf(), Uint8Array.of(7, 7, 7), 10_000);
  assert.equal(pathAndQuery, '/push.v1.PusherService/Push');
  assert.deepEqual(headers, {
    'content-type': 'application/proto',
    'connect-protocol-version': '1',
    'connect-timeout-ms': '10000',
  });
  const hex = Buffer.from(body).toString('hex');
  // LabelPair __delta__ = false, and RawSample.raw_profile.
  assert.match(
    hex,
    new RegExp(`0a12${'0a09'}${Buffer.from('__delta__').toString('hex')}1205${Buffer.from('false').toString('hex')}`),
  );
  assert.match(hex, /0a030707071224/);
});

const connectError = (message: string) => JSON.stringify({ code: 'unknown', message });
const verdicts: readonly {
  readonly name: string;
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly api?: 'ingest' | 'push';
  readonly pprofBytes?: number;
  readonly expected: object;
}[] = [
  { name: '200', status: 200, expected: { type: 'accepted' } },
  { name: '202 of a proxy', status: 202, expected: { type: 'accepted' } },
  ...[408, 429, 499, 500, 502, 503, 504].map((status) => ({
    name: `${status}`,
    status,
    expected: { type: 'unavailable' },
  })),
  ...[301, 308, 400, 405, 413, 415, 501].map((status) => ({
    name: `${status}`,
    status,
    expected: { type: 'rejected' },
  })),
  ...[401, 403, 404].map((status) => ({ name: `${status}`, status, expected: { type: 'misconfigured' } })),
  {
    name: '422 that may be the storage',
    status: 422,
    body: connectError(
      'pushing IngestInput-pprof failed push series with index 0 and id  failed: context deadline exceeded',
    ),
    expected: { type: 'doubtful', maxAttempts: 3 },
  },
  ...[
    "the profile with labels '{}' exceeds the size limit (max_profile_size_byte, actual: 5, limit: 4)",
    "profile series '{}' has 33 label names; limit 30",
    "profile with labels '{}' has label value too long: 'x'",
    "invalid labels '{}' with error: invalid label name 'a b'",
    "profile with labels '{}' is outside of ingestion window (profile timestamp: x, y)",
    'decompressed size exceeds maximum allowed size of 4194304 bytes',
    'unsupported client version. Please update',
  ].map((message) => ({
    name: `422 ${message}`,
    status: 422,
    body: connectError(`pushing IngestInput-pprof failed push series with index 0 and id  failed: ${message}`),
    expected: { type: 'rejected' },
  })),
  { name: '422 of the push API', status: 422, api: 'push', expected: { type: 'rejected' } },
  {
    name: '429 for a profile that never fits',
    status: 429,
    pprofBytes: 3_000_000,
    expected: { type: 'doubtful', maxAttempts: 10 },
  },
  {
    name: '429 for a message that is too large',
    status: 429,
    api: 'push',
    body: connectError('message size 300000000 is larger than configured max 268435456'),
    expected: { type: 'rejected' },
  },
  { name: 'Retry-After in seconds', status: 429, headers: { 'retry-after': '7' }, expected: { retryAfterMs: 7_000 } },
  {
    name: 'Retry-After as a date',
    status: 503,
    headers: { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT' },
    expected: { retryAfterMs: 30_000 },
  },
  {
    name: 'Retry-After that is none',
    status: 503,
    headers: { 'retry-after': 'soon' },
    expected: { retryAfterMs: undefined },
  },
  {
    name: 'Retry-After for a day',
    status: 503,
    headers: { 'retry-after': '86400' },
    expected: { retryAfterMs: 3_600_000 },
  },
  {
    name: 'the message of a Connect error',
    status: 400,
    body: connectError('no\nway'),
    expected: { answer: 'HTTP 400: no way' },
  },
  {
    name: 'a page of a proxy',
    status: 502,
    body: '<html>\n bad </html>',
    expected: { answer: 'HTTP 502: <html> bad </html>' },
  },
  { name: 'no message', status: 503, expected: { answer: 'HTTP 503 Sorry' } },
];
for (const { name, status, body = '', headers = {}, api = 'ingest', pprofBytes = 100, expected } of verdicts) {
  test(`${name} means ${JSON.stringify(expected)}`, () => {
    const response = { status, statusText: 'Sorry', headers, body: Buffer.from(body) };
    const nowMs = Date.UTC(2026, 10, 22, 10, 0, 0);
    const verdict = verdictOf(response, api, metaOf({ pprofBytes }), DEFAULT_PUSH_LIMITS, nowMs);
    const seen = Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(verdict, key)]));
    assert.deepEqual(seen, expected);
  });
}

test('a long answer is cut', () => {
  const response = { status: 400, statusText: '', headers: {}, body: Buffer.alloc(1_000_000, 'x') };
  const verdict = verdictOf(response, 'ingest', metaOf(), DEFAULT_PUSH_LIMITS, 0);
  assert.ok('answer' in verdict && verdict.answer.length < 2_100);
});
