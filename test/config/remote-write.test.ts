import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import type { RemoteWriteConfig } from '../../src/config/scrape-config.ts';
import { judgeConfig, readConfigFixture, showProblem } from '../support/config-problems.ts';

async function remotes(yaml: string): Promise<readonly RemoteWriteConfig[]> {
  const { config, errors } = await judgeConfig(
    `scrape-configs: [{job-name: j, enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}]}]\n${yaml}`,
  );
  assert.deepEqual(errors.map(showProblem), []);
  assert.ok(config);
  return config.remoteWrite;
}

const JOBS = 'scrape_configs: [{job_name: j, enabled_profiles: [cpu], static_configs: [{targets: ["h:1"]}]}]\n';

test('a remote with a URL alone has the defaults', async () => {
  assert.deepEqual(await remotes('remote-write: [{url: "http://localhost:4040"}]'), [
    {
      url: 'http://localhost:4040',
      name: 'localhost:4040',
      api: 'ingest',
      tenantId: undefined,
      headers: new Map(),
      timeoutMs: 10_000,
      tags: new Map(),
      writeRelabelRules: [],
      http: DEFAULT_HTTP_CLIENT,
      queue: {
        dir: undefined,
        maxBytes: 512 * 1024 * 1024,
        maxAgeMs: 6 * 3_600_000,
        minBackoffMs: 500,
        maxBackoffMs: 300_000,
        maxInFlight: 8,
        sync: 1_000,
      },
      limits: {
        maxProfileBytes: 4 * 1024 * 1024,
        burstBytes: 2 * 1024 * 1024,
        maxSamples: 16_000,
        maxLabelNames: 30,
        maxLabelNameBytes: 1_024,
        maxLabelValueBytes: 2_048,
        maxLabelsPerSample: 100,
        maxAgeMs: 3_600_000,
      },
    },
  ]);
});

test('all keys of a remote', async () => {
  const { config } = await judgeConfig(readConfigFixture('most-keys.good.yml'));
  const [first, second] = config?.remoteWrite ?? [];
  assert.ok(first && second);
  assert.equal(first.url, 'https://pyroscope.example.com');
  assert.equal(first.name, 'pyroscope.example.com:443');
  assert.equal(first.tenantId, 'team-a');
  assert.deepEqual(first.headers, new Map([['X-Extra', '1']]));
  assert.equal(first.writeRelabelRules[0]?.action, 'labeldrop');
  assert.deepEqual(first.http.basicAuth, { username: { value: 'me' }, password: { value: 'hunter2' } });
  assert.deepEqual(first.queue, {
    dir: '/etc/pyro-pull/queue',
    maxBytes: 1024 ** 3,
    maxAgeMs: 12 * 3_600_000,
    minBackoffMs: 1_000,
    maxBackoffMs: 60_000,
    maxInFlight: 4,
    sync: 'always',
  });
  assert.equal(second.name, 'local');
  assert.equal(second.api, 'push');
});

test('limits of a server that has others than the default ones', async () => {
  const [remote] = await remotes(`remote-write:
    - url: http://a:4040
      limits: {max-profile-bytes: 0, burst-bytes: 64MiB, max-samples: 50000, max_label_names: 60, max-age: 0s}`);
  assert.deepEqual(remote?.limits, {
    maxProfileBytes: 0,
    burstBytes: 64 * 1024 * 1024,
    maxSamples: 50_000,
    maxLabelNames: 60,
    maxLabelNameBytes: 1_024,
    maxLabelValueBytes: 2_048,
    maxLabelsPerSample: 100,
    maxAgeMs: 0,
  });
});

test("the old server's section means the same", async () => {
  const { config } = await judgeConfig(readConfigFixture('server-settings.good.yml'));
  const [cloud, old] = config?.remoteWrite ?? [];
  assert.ok(cloud && old);
  assert.equal(cloud.name, 'cloud');
  assert.equal(cloud.url, 'https://pyroscope.example.com/');
  assert.deepEqual(cloud.http.authorization, { type: 'Bearer', credentials: { value: 's3cr3t' } });
  assert.equal(cloud.tenantId, 'team-a');
  assert.deepEqual(cloud.tags, new Map([['region', 'eu']]));
  assert.deepEqual(cloud.headers, new Map([['X-Extra', '1']]));
  assert.equal(cloud.timeoutMs, 5_000);
  assert.equal(cloud.api, 'ingest');
  assert.equal(old.url, 'http://old:4040');
  assert.deepEqual(old.http.basicAuth, { username: { value: 'a' }, password: { value: 'b' } });
});

test('in the section of the old server a user and password go before a token, and both before the URL', async () => {
  const [both, token] = await remotes(
    `remote-write:
  enabled: yes
  targets:
    both: {address: "http://x:y@a:1", basic-auth-user: u, basic-auth-password: p, auth-token: t}
    token: {address: "http://x:y@a:1", auth-token: t}`,
  );
  assert.deepEqual(both?.http.basicAuth, { username: { value: 'u' }, password: { value: 'p' } });
  assert.equal(both?.http.authorization, undefined);
  assert.equal(token?.http.basicAuth, undefined);
  assert.deepEqual(token?.http.authorization, { type: 'Bearer', credentials: { value: 't' } });
});

test('the section of the old server sends nothing unless enabled', async () => {
  assert.deepEqual(await remotes('remote-write: {targets: {a: {address: "http://a:1"}}}'), []);
  assert.deepEqual(await remotes('remote-write: {enabled: false, targets: {a: {address: "http://a:1"}}}'), []);
});

test('remotes of Prometheus metrics are left out unread', async () => {
  const list = await remotes(
    'remote_write: [{url: "http://mimir/api/v1/write", queue_config: {capacity: 1}}, {url: "http://a:4040"}]',
  );
  assert.deepEqual(
    list.map(({ name }) => name),
    ['a:4040'],
  );
});

for (const path of [
  '/api/prom/push',
  '/api/v1/push',
  '/api/v1/push/',
  '/mimir/api/v1/push?tenant=a',
  '/loki/api/v1/push',
  '/api/v1/receive',
  '/api/v1/write',
  '/insert/0/prometheus/api/v1/write',
  '/v1/prometheus/write?db=public',
  '/workspaces/ws-1/api/v1/remote_write',
  '/API/V1/WRITE',
]) {
  test(`${path} is a remote for metrics, and nothing is sent there`, async () => {
    const { config, warnings } = await judgeConfig(
      `${JOBS}remote_write: [{url: "https://m.example.com${path}", basic_auth: {username: a, password: hunter2}}]`,
    );
    assert.deepEqual(config?.remoteWrite, []);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]?.message ?? '', /is a remote for Prometheus metrics .*: ignored/);
  });
}

test('a key that only Prometheus has makes an entry one for metrics, whatever its URL', async () => {
  for (const key of [
    'queue_config: {capacity: 1}',
    'sigv4: {region: eu}',
    'send_exemplars: true',
    'metadata_config: {}',
  ]) {
    assert.deepEqual(await remotes(`remote_write: [{url: "http://m:9009", ${key}}]`), [], key);
  }
});

test('api says that an entry is for profiles, whatever its path', async () => {
  const [remote] = await remotes('remote_write: [{url: "http://p/api/v1/push", api: push}]');
  assert.equal(remote?.api, 'push');
});

test("another path without api is worth a word; a server's root, and a path with api, are not", async () => {
  const warned = async (entry: string) =>
    (await judgeConfig(`${JOBS}remote_write: [${entry}]`)).warnings.map(showProblem);
  assert.deepEqual(await warned('{url: "http://p/profiles"}'), [
    '2:22 remote_write[0].url: profiles and credentials go to a server under the path "/profiles" (if that is a Pyroscope server add api: ingest, else remove the entry)',
  ]);
  assert.deepEqual(await warned('{url: "http://p:4040"}, {url: "http://q/"}, {url: "http://r/x", api: ingest}'), []);
});
