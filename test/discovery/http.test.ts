import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HttpDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/config/http-client-config.ts';
import { createHttpDiscoverer } from '../../src/discovery/http/http-discoverer.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { type Answer, answers, type Cleanup, startFakeTarget } from '../support/fake-target.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { addressesIn, fieldsOf, labelsOf, listOf, plainGroup, readVectors } from '../support/vectors.ts';
import { watching } from '../support/watching.ts';

const SIGNAL = new AbortController().signal;
const NAME = 'http-sd-configs[0]';

function configOf(url: string, options: Partial<HttpDiscoveryConfig> = {}): HttpDiscoveryConfig {
  return { mechanism: 'http', url, refreshIntervalMs: 60_000, http: DEFAULT_HTTP_CLIENT, ...options };
}

function json(body: string | Uint8Array, type = 'application/json'): Answer {
  return answers.body(body, { 'content-type': type });
}

function once(url: string, options: Partial<HttpDiscoveryConfig> = {}) {
  return createHttpDiscoverer(configOf(url, options), NAME, REAL_TIME, {}).once(SIGNAL);
}

for (const { id, body, result } of readVectors('http.yml')) {
  test(`${id}: ${body}`, async (t) => {
    const server = await startFakeTarget(t, (request, response) =>
      json(String(body).replaceAll('"L"', '"__meta_url"'))(request, response),
    );
    const url = `${server.url}/groups`;
    const { groups, failures } = await once(url);
    if (result === 'error') {
      assert.equal(failures[0]?.code, 'SD_HTTP_INVALID');
      assert.deepEqual(groups, []);
      return;
    }
    assert.deepEqual(failures, []);
    const expected = listOf(result).map((group, index) => {
      const { labels, targets } = fieldsOf(group);
      const { L, ...rest } = fieldsOf(labels);
      assert.equal(L, 'SRC');
      return {
        source: `${url}:${index}`,
        labels: { ...labelsOf(rest, ''), __meta_url: url },
        targets: listOf(targets).map((target) => labelsOf(target, '')),
      };
    });
    assert.deepEqual(groups.map(plainGroup), expected);
  });
}

test('the request says what it takes and how often it comes', async (t) => {
  const server = await startFakeTarget(t, json('[]'));
  await once(`${server.url}/sd?x=1`, { refreshIntervalMs: 500 });
  const [request] = server.requests;
  assert.equal(request?.path, '/sd?x=1');
  assert.equal(request?.headers.accept, 'application/json');
  assert.match(request?.headers['user-agent'] ?? '', /^pyro-pull\//);
  assert.equal(request?.headers['x-prometheus-refresh-interval-seconds'], '0.5');
  assert.equal(request?.headers['x-pyroscope-refresh-interval-seconds'], '0.5');
});

const ACCEPTED = [
  'application/json',
  'application/json; charset="utf-8"',
  'Application/JSON',
  'application/json;charset=UTF-8',
  '  application/json  ',
];
const REFUSED = [
  'application/json;',
  'text/json',
  'application/json ; charset=utf-8',
  'application/jsonl',
  'application/json;charset=UTF-9',
  'application/json; version=1',
  'application/x-ndjson',
];

for (const [types, isAccepted] of [
  [ACCEPTED, true],
  [REFUSED, false],
] as const) {
  for (const type of types) {
    test(`Content-Type ${JSON.stringify(type)} is ${isAccepted ? 'accepted' : 'refused'}`, async (t) => {
      const server = await startFakeTarget(t, json('[{"targets":["a:1"]}]', type));
      const update = await once(server.url);
      assert.deepEqual(addressesIn(update), isAccepted ? ['a:1'] : []);
      assert.deepEqual(
        update.failures.map(({ code }) => code),
        isAccepted ? [] : ['SD_HTTP_FAILED'],
      );
    });
  }
}

const FAILED: readonly (readonly [name: string, answer: Answer, message: RegExp, http?: Partial<HttpClientConfig>])[] =
  [
    ['no Content-Type', answers.body('[]'), /no Content-Type/],
    ['201', answers.body('[]', { 'content-type': 'application/json' }, 201), /HTTP 201 Created/],
    ['204', answers.body('', {}, 204), /HTTP 204 No Content/],
    ['304', answers.body('', {}, 304), /HTTP 304 Not Modified/],
    ['404', answers.status(404, 'no'), /HTTP 404 Not Found/],
    ['500', answers.status(500, 'no'), /HTTP 500 Internal Server Error/],
    ['a redirect that is not followed', answers.redirect('/other'), /HTTP 302 Found/, { followRedirects: false }],
    ['half a body', answers.cutOff(Buffer.from('[{"targets":["a:1"]}]'), 12), /body ends early/],
    ['null', json('null'), /\/sd:1:1: must be a list/],
    ['bytes that are not UTF-8', json(Buffer.from([0x22, 0xff, 0x22])), /the body is not UTF-8/],
  ];

for (const [name, bad, message, http] of FAILED) {
  test(`${name}: the last good groups stay, the failure is said once, and the next good answer ends it`, async (t) => {
    let answer: Answer = json('[{"targets":["a:1","a:2"]}]');
    const server = await startFakeTarget(t, (request, response) => answer(request, response));
    const time = new FakeWait();
    const config = configOf(`${server.url}/sd`, { http: { ...DEFAULT_HTTP_CLIENT, ...http } });
    const watch = watching(t, createHttpDiscoverer(config, NAME, time, {}), time);
    assert.deepEqual(addressesIn(await watch.next()), ['a:1', 'a:2']);
    answer = bad;
    const failed = await watch.next();
    assert.deepEqual(addressesIn(failed), ['a:1', 'a:2']);
    assert.equal(failed.failures.length, 1);
    assert.match(failed.failures[0]?.message ?? '', message);
    assert.match(
      failed.failures[0]?.message ?? '',
      /^http-sd-configs\[0\]: http.*; keeping 2 instances from the last good/,
    );
    const count = server.requests.length;
    await watch.silentUntil(() => server.requests.length >= count + 3);
    assert.ok(time.sleeps.every((ms) => ms === 60_000));
    answer = json('[{"targets":["a:3"]}]');
    const mended = await watch.next();
    assert.deepEqual([addressesIn(mended), mended.failures], [['a:3'], []]);
  });
}

test('a redirect is followed', async (t) => {
  const server = await startFakeTarget(t, { '/old': answers.redirect('/new'), '/new': json('[{"targets":["a:1"]}]') });
  const { groups } = await once(`${server.url}/old`);
  assert.equal(groups[0]?.labels.get('__meta_url'), `${server.url}/old`);
});

test('an answer may take as long as the refresh interval and no longer', async (t) => {
  const server = await startFakeTarget(t, answers.never());
  const { failures } = await once(server.url, { refreshIntervalMs: 50 });
  assert.match(failures[0]?.message ?? '', /timeout after 50ms/);
});

test('a server that cannot be reached fails with what was seen, and without a password', async () => {
  const port = await freePort();
  const { groups, failures } = await once(`http://127.0.0.1:${port}/sd?token=hunter2`);
  assert.deepEqual(groups, []);
  const [failure] = failures;
  assert.equal(failure?.code, 'SD_HTTP_FAILED');
  assert.match(
    failure?.message ?? '',
    /sd\?token=xxxxx: connection refused; there has been no good answer, so it gives no instances$/,
  );
});

test('groups that vanish from the list go', async (t) => {
  let body = '[{"targets":["a:1"]},{"targets":["a:2"]},{"targets":["a:3"]}]';
  const server = await startFakeTarget(t, (request, response) => json(body)(request, response));
  const time = new FakeWait();
  const watch = watching(t, createHttpDiscoverer(configOf(server.url), NAME, time, {}), time);
  assert.equal((await watch.next()).groups.length, 3);
  body = '[{"targets":["a:1"]}]';
  assert.deepEqual(
    (await watch.next()).groups.map(({ source }) => source),
    [`${server.url}:0`],
  );
  body = '[]';
  assert.deepEqual((await watch.next()).groups, []);
});

test('a password file is read again', async (t) => {
  const file = join(temporaryDirectory(t), 'password');
  writeFileSync(file, 'one\n');
  let body = '[{"targets":["a:1"]}]';
  const server = await startFakeTarget(t, (request, response) => json(body)(request, response));
  const http = { ...DEFAULT_HTTP_CLIENT, basicAuth: { username: { value: 'u' }, password: { file } } };
  const config = configOf(server.url, { http, refreshIntervalMs: 1500 });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const updates = createHttpDiscoverer(config, NAME, REAL_TIME, {}).watch(stop.signal)[Symbol.asyncIterator]();
  await updates.next();
  writeFileSync(file, 'two\n');
  body = '[{"targets":["a:2"]}]';
  await updates.next();
  assert.deepEqual(
    server.requests.map(({ headers }) => Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString()),
    ['u:one', 'u:two'],
  );
  stop.abort();
  assert.equal((await updates.next()).done, true);
});

test('a run that is stopped rejects with the reason of its signal', async (t: Cleanup) => {
  const server = await startFakeTarget(t, answers.never());
  const stop = new AbortController();
  const answer = createHttpDiscoverer(configOf(server.url), NAME, REAL_TIME, {}).once(stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(answer, { message: 'enough' });
});
