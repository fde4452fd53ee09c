import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { configuredJob, saidOfJob } from '../support/config-problems.ts';

async function source(lines: string): Promise<DiscoveryConfig> {
  const { discovery } = await configuredJob(`static-configs:\n${lines}`);
  const [only, ...others] = discovery;
  assert.ok(only);
  assert.deepEqual(others, []);
  return only;
}

test('file: patterns beside the config, absolute ones as they are', async () => {
  assert.deepEqual(await source('file-sd-configs: [{files: ["targets/*.json", /t/a.yml, ./b.YAML]}]'), {
    mechanism: 'file',
    files: ['/etc/pyro-pull/targets/*.json', '/t/a.yml', '/etc/pyro-pull/b.YAML'],
    refreshIntervalMs: 300_000,
  });
});

for (const pattern of ['targets.json', 'dir/*.yml', 'a/*_*.json', 't?.json', 't[1].json', '.json', 'a.JSON', 'a.YML']) {
  test(`file: ${pattern} is a pattern`, async () => {
    await source(`file-sd-configs: [{files: ["${pattern}"]}]`);
  });
}

test('file: prometheus spells it with underscores', async () => {
  const { refreshIntervalMs } = {
    refreshIntervalMs: 0,
    ...(await source('file_sd_configs: [{files: [a.yml], refresh_interval: 1m30s}]')),
  };
  assert.equal(refreshIntervalMs, 90_000);
});

test('http: defaults', async () => {
  assert.deepEqual(await source('http-sd-configs: [{url: "http://sd/targets"}]'), {
    mechanism: 'http',
    url: 'http://sd/targets',
    refreshIntervalMs: 60_000,
    http: DEFAULT_HTTP_CLIENT,
  });
});

test('http: credentials in the URL become basic auth, since the URL becomes a label', async () => {
  const config = await source('http-sd-configs: [{url: "https://me:p%40:ss@sd/targets", refresh-interval: 500ms}]');
  assert.ok(config.mechanism === 'http');
  assert.equal(config.url, 'https://sd/targets');
  assert.deepEqual(config.http.basicAuth, { username: { value: 'me' }, password: { value: 'p@:ss' } });
  assert.equal(config.refreshIntervalMs, 500);
});

test('http: the HTTP client block stands beside the URL', async () => {
  const config = await source('http-sd-configs: [{url: "http://sd", bearer-token: abc, follow-redirects: no}]');
  assert.ok(config.mechanism === 'http');
  assert.equal(config.http.followRedirects, false);
  assert.deepEqual(config.http.authorization, { type: 'Bearer', credentials: { value: 'abc' } });
});

test('dns: SRV needs no port, the others do; the type in any case', async () => {
  assert.deepEqual(await source('dns-sd-configs: [{names: [_p._tcp.test]}]'), {
    mechanism: 'dns',
    names: ['_p._tcp.test'],
    type: 'SRV',
    port: undefined,
    refreshIntervalMs: 30_000,
  });
  for (const type of ['A', 'aaaa', 'Mx', 'NS']) {
    const config = await source(`dns-sd-configs: [{names: [a.test], type: ${type}, port: 6060}]`);
    assert.ok(config.mechanism === 'dns');
    assert.equal(config.type, type.toUpperCase());
    assert.equal(config.port, 6060);
  }
});

test('kubernetes: defaults', async () => {
  assert.deepEqual(await source('kubernetes-sd-configs: [{role: pod}]'), {
    mechanism: 'kubernetes',
    role: 'pod',
    apiServer: undefined,
    kubeconfigFile: undefined,
    namespaces: { names: [], ownNamespace: false },
    selectors: [],
    attachMetadata: { node: false, namespace: false, deployment: false, job: false, cronjob: false },
    http: DEFAULT_HTTP_CLIENT,
  });
});

test('kubernetes: all keys', async () => {
  const config = await source(
    `kubernetes_sd_configs:
    - role: endpointslice
      api_server: https://k8s.example.com/prefix/
      namespaces: {names: [a, b, a], own_namespace: false}
      selectors: [{role: pod, label: "a=b,c!=d", field: spec.nodeName=n}, {role: service, label: x}]
      attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}
      bearer_token_file: token`,
  );
  assert.ok(config.mechanism === 'kubernetes');
  assert.equal(config.apiServer, 'https://k8s.example.com/prefix');
  assert.deepEqual(config.namespaces, { names: ['a', 'b'], ownNamespace: false });
  assert.deepEqual(config.selectors, [
    { role: 'pod', label: 'a=b,c!=d', field: 'spec.nodeName=n' },
    { role: 'service', label: 'x', field: undefined },
  ]);
  assert.ok(Object.values(config.attachMetadata).every(Boolean));
  assert.deepEqual(config.http.authorization?.credentials, { file: '/etc/pyro-pull/token' });
});

test('kubernetes: the kubeconfig lies beside the config', async () => {
  const config = await source('kubernetes-sd-configs: [{role: node, kubeconfig-file: kube/config}]');
  assert.ok(config.mechanism === 'kubernetes');
  assert.equal(config.kubeconfigFile, '/etc/pyro-pull/kube/config');
});

const ROLES: Readonly<Record<string, readonly string[]>> = {
  pod: ['pod', 'node'],
  endpoints: ['endpoints', 'service', 'pod'],
  endpointslice: ['endpointslice', 'service', 'pod'],
  service: ['service'],
  ingress: ['ingress'],
  node: ['node'],
};
for (const [role, allowed] of Object.entries(ROLES)) {
  test(`kubernetes: role ${role} takes selectors for ${allowed.join(', ')} alone`, async () => {
    for (const selector of Object.keys(ROLES)) {
      const { errors } = await saidOfJob(
        `kubernetes-sd-configs: [{role: ${role}, selectors: [{role: ${selector}, label: a=b}]}]`,
      );
      assert.equal(errors.length, allowed.includes(selector) ? 0 : 1, selector);
    }
  });
}

for (const [key, selector, isGood] of [
  ['label', 'a', true],
  ['label', '!a', true],
  ['label', 'a=b', true],
  ['label', 'a==b', true],
  ['label', 'a!=b', true],
  ['label', 'a=', true],
  ['label', 'app.kubernetes.io/name = web , tier notin (x, y),!canary', true],
  ['label', 'a in ()', true],
  ['label', 'a>5,b<5', true],
  ['label', 'a b', false],
  ['label', 'a in (x y)', false],
  ['label', 'a in (x', false],
  ['label', 'a=b,', false],
  ['label', '-a=b', false],
  ['label', 'a=b=c', false],
  ['field', 'status.phase=Running', true],
  ['field', 'spec.nodeName!=n1,metadata.name==x', true],
  ['field', 'metadata.name=a\\,b\\=c', true],
  ['field', 'status.phase', false],
  ['field', 'a=b,', false],
  ['field', '=b', false],
] as const) {
  test(`kubernetes: ${key} selector "${selector}" is ${isGood ? 'read' : 'refused'}`, async () => {
    const { errors } = await saidOfJob(
      `kubernetes-sd-configs: [{role: pod, selectors: [{role: pod, ${key}: '${selector}'}]}]`,
    );
    assert.equal(errors.length, isGood ? 0 : 1, String(errors));
  });
}

test('consul: defaults', async () => {
  assert.deepEqual(await source('consul-sd-configs: [{}]'), {
    mechanism: 'consul',
    server: 'localhost:8500',
    scheme: 'http',
    pathPrefix: undefined,
    token: undefined,
    datacenter: undefined,
    namespace: undefined,
    partition: undefined,
    tagSeparator: ',',
    allowStale: true,
    refreshIntervalMs: 30_000,
    services: [],
    tags: [],
    nodeMeta: new Map(),
    filter: undefined,
    healthFilter: undefined,
    http: DEFAULT_HTTP_CLIENT,
  });
});

test('consul: all keys', async () => {
  const config = await source(
    `consul_sd_configs:
    - server: https://consul.example.com:8501/
      path_prefix: /c
      token: t
      datacenter: d
      namespace: n
      partition: p
      username: me
      password: secret
      services: [a]
      tags: [b, c]
      node_meta: {rack_1: "1"}
      filter: f
      health_filter: h
      tag_separator: ""
      allow_stale: no
      refresh_interval: 1s`,
  );
  assert.ok(config.mechanism === 'consul');
  assert.deepEqual(config, {
    mechanism: 'consul',
    server: 'consul.example.com:8501',
    scheme: 'https',
    pathPrefix: '/c',
    token: 't',
    datacenter: 'd',
    namespace: 'n',
    partition: 'p',
    tagSeparator: '',
    allowStale: false,
    refreshIntervalMs: 1_000,
    services: ['a'],
    tags: ['b', 'c'],
    nodeMeta: new Map([['rack_1', '1']]),
    filter: 'f',
    healthFilter: 'h',
    http: { ...DEFAULT_HTTP_CLIENT, basicAuth: { username: { value: 'me' }, password: { value: 'secret' } } },
  });
});

test('several blocks and items of a job are sources of their own', async () => {
  const { discovery } = await configuredJob(
    'static-configs: [{targets: ["h:1"]}]\nfile-sd-configs: [{files: [a.yml]}, {files: [b.yml]}]\nconsul-sd-configs: [{}]',
  );
  assert.deepEqual(
    discovery.map(({ mechanism }) => mechanism),
    ['static', 'file', 'file', 'consul'],
  );
});
