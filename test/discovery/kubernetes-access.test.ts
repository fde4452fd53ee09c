import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import type { KubernetesDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { readKubeconfig } from '../../src/discovery/kubernetes/kubeconfig.ts';
import { KubernetesDiscoverer } from '../../src/discovery/kubernetes/kubernetes-discoverer.ts';
import { type ClusterAround, findServer } from '../../src/discovery/kubernetes/server-access.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { DiscoveryError } from '../../src/errors.ts';
import { createAuthority } from '../support/certificates.ts';
import { podOf, startFakeKubernetes, status } from '../support/fake-kubernetes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { addressesIn } from '../support/vectors.ts';

const SIGNAL = new AbortController().signal;
const NAME = 'kubernetes-sd-configs[0]';
const NOWHERE: ClusterAround = { environment: {}, serviceAccountDir: '/nonexistent' };

function configOf(options: Partial<KubernetesDiscoveryConfig>): KubernetesDiscoveryConfig {
  return {
    mechanism: 'kubernetes',
    role: 'pod',
    apiServer: undefined,
    kubeconfigFile: undefined,
    namespaces: { names: [], ownNamespace: false },
    selectors: [],
    attachMetadata: { node: false, namespace: false, deployment: false, job: false, cronjob: false },
    http: DEFAULT_HTTP_CLIENT,
    ...options,
  };
}

function once(options: Partial<KubernetesDiscoveryConfig>, around = NOWHERE) {
  return new KubernetesDiscoverer(configOf(options), NAME, { ...REAL_TIME, random: () => 0.5 }, around).once(SIGNAL);
}

/** An API server with TLS and a pod, and the directory that a pod of its cluster would have. */
async function cluster(t: TestContext) {
  const authority = createAuthority();
  const { cert, key } = authority.issue('kubernetes', { hosts: ['127.0.0.1', 'kubernetes.default'] });
  const api = await startFakeKubernetes(t, { cert, key });
  api.set('pods', podOf('a', '10.0.0.1'));
  const serviceAccountDir = temporaryDirectory(t);
  writeFileSync(join(serviceAccountDir, 'ca.crt'), authority.cert);
  writeFileSync(join(serviceAccountDir, 'token'), 'one\n');
  writeFileSync(join(serviceAccountDir, 'namespace'), 'shop\n');
  const { port } = api.server.origin;
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
  return { api, authority, serviceAccountDir, around: { environment, serviceAccountDir } };
}

test('in a cluster the service account of the pod is used', async (t) => {
  const { api, around } = await cluster(t);
  const update = await once({}, around);
  assert.deepEqual([addressesIn(update), update.failures, update.warnings], [['10.0.0.1:8080'], [], []]);
  assert.equal(api.server.requests[0]?.headers.authorization, 'Bearer one');
});

test('own-namespace is that of the pod', async (t) => {
  const { api, around } = await cluster(t);
  await once({ namespaces: { names: ['b', 'shop'], ownNamespace: true } }, around);
  assert.deepEqual(
    api.lists().map((path) => path.replace(/\?.*/, '')),
    ['/api/v1/namespaces/b/pods', '/api/v1/namespaces/shop/pods'],
  );
});

test('a token that is rewritten is used from the next request on, and no target is lost', {
  timeout: 20_000,
}, async (t) => {
  const { api, serviceAccountDir, around } = await cluster(t);
  const deps = { ...REAL_TIME, random: () => 0 };
  const stop = new AbortController();
  t.after(() => stop.abort());
  const updates = new KubernetesDiscoverer(configOf({}), NAME, deps, around).watch(stop.signal);
  assert.equal((await updates.next()).value?.groups.length, 1);
  while (api.watches().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(join(serviceAccountDir, 'new'), 'two\n');
  renameSync(join(serviceAccountDir, 'new'), join(serviceAccountDir, 'token'));
  api.override = (request, response) => {
    if (request.headers.authorization === 'Bearer two') api.override = undefined;
    status(401, 'Unauthorized')(request, response);
  };
  api.cutWatches();
  api.set('pods', podOf('b', '10.0.0.2'));
  // There may be an update before that tells of the failure.
  const seen: number[] = [];
  while (seen.at(-1) !== 2) seen.push((await updates.next()).value?.groups.length ?? 0);
  assert.ok(
    seen.every((count) => count >= 1),
    `${seen}`,
  );
  assert.equal(api.server.requests.at(-1)?.headers.authorization, 'Bearer two');
  stop.abort();
});

test('without a readable CA the system is trusted, with a warning', async (t) => {
  const { environment } = (await cluster(t)).around;
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'token'), 'one');
  const { warnings, failures } = await once({}, { environment, serviceAccountDir: dir });
  assert.match(warnings[0] ?? '', /can't read .*ca\.crt: the system's certificate authorities are used/);
  assert.match(failures[0]?.message ?? '', /TLS: certificate signed by unknown authority/);
});

test('outside of a cluster the run says so', async () => {
  const { groups, failures } = await once({});
  assert.deepEqual(groups, []);
  assert.equal(failures[0]?.code, 'SD_KUBERNETES_CONFIG');
  assert.match(failures[0]?.message ?? '', /^kubernetes-sd-configs\[0\]: not in a cluster: KUBERNETES_SERVICE_HOST/);
  assert.match(failures[0]?.hint ?? '', /kubeconfig-file or api-server/);
});

test('a watch that cannot begin says so and ends with its signal', async () => {
  const stop = new AbortController();
  const updates = new KubernetesDiscoverer(configOf({}), NAME, { ...REAL_TIME, random: Math.random }, NOWHERE).watch(
    stop.signal,
  );
  assert.equal((await updates.next()).value?.failures.length, 1);
  stop.abort();
  assert.equal((await updates.next()).done, true);
});

test('api-server takes its path prefix and the HTTP keys beside it', async (t) => {
  const api = await startFakeKubernetes(t);
  api.override = status(404, 'NotFound');
  const http = { ...DEFAULT_HTTP_CLIENT, authorization: { type: 'Bearer', credentials: { value: 'hunter2' } } };
  const { failures } = await once({ apiServer: `${api.server.url}/k8s/clusters/c-1`, http });
  assert.match(api.lists()[0] ?? '', /^\/k8s\/clusters\/c-1\/api\/v1\/pods\?/);
  assert.equal(api.server.requests[0]?.headers.authorization, 'Bearer hunter2');
  assert.match(failures[0]?.hint ?? '', /path of api-server/);
  assert.ok(!failures[0]?.message.includes('hunter2'));
});

test('credentials do not go to another machine without TLS', async () => {
  const http = { ...DEFAULT_HTTP_CLIENT, authorization: { type: 'Bearer', credentials: { value: 'hunter2' } } };
  await assert.rejects(findServer(configOf({ apiServer: 'http://192.0.2.1:8080', http }), NOWHERE), {
    code: 'SD_KUBERNETES_CONFIG',
    message: 'http://192.0.2.1:8080: credentials are not sent without TLS to another machine',
  });
  await findServer(configOf({ apiServer: 'http://192.0.2.1:8080' }), NOWHERE);
  await findServer(configOf({ apiServer: 'http://127.0.0.1:8001', http }), NOWHERE);
});

/** A kubeconfig with one of everything. */
function kubeconfig(server: string, cluster: object, user: object): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'there' }, { name: 'here', context: { cluster: 'c', user: 'u', namespace: 'ignored' } }],
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

test('a kubeconfig gives server, CA and token', async (t) => {
  const { api, authority } = await cluster(t);
  const file = join(temporaryDirectory(t), 'config');
  const ca = { 'certificate-authority-data': base64(authority.cert) };
  writeFileSync(file, kubeconfig(`${api.server.url}/`, ca, { token: 'secret' }));
  const update = await once({ kubeconfigFile: file });
  assert.deepEqual([addressesIn(update), update.failures], [['10.0.0.1:8080'], []]);
  assert.equal(api.server.requests[0]?.headers.authorization, 'Bearer secret');
});

test('files are sought beside the kubeconfig, a token file wins over a token, data over a file', async (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'pki'));
  const file = join(dir, 'config');
  const cluster = {
    'certificate-authority': 'pki/ca.pem',
    'tls-server-name': 'k8s',
    'insecure-skip-tls-verify': true,
    'proxy-url': 'http://proxy:1',
  };
  const user = {
    token: 'old',
    tokenFile: 'pki/token',
    'client-certificate': '/abs/cert.pem',
    'client-key': 'pki/key.pem',
    'client-key-data': base64('KEY'),
  };
  writeFileSync(file, kubeconfig('https://k8s:6443', cluster, user));
  const { url, http } = await readKubeconfig(file);
  assert.equal(url, 'https://k8s:6443');
  assert.deepEqual(http.authorization, { type: 'Bearer', credentials: { file: join(dir, 'pki/token') } });
  assert.deepEqual(http.tls, {
    ca: { file: join(dir, 'pki/ca.pem') },
    cert: { file: '/abs/cert.pem' },
    key: { value: 'KEY' },
    serverName: 'k8s',
    insecureSkipVerify: true,
    minVersion: undefined,
    maxVersion: undefined,
  });
  assert.equal(http.proxy?.url, 'http://proxy:1');
});

test('a user with a name and password logs in with basic auth', async (t) => {
  const file = join(temporaryDirectory(t), 'config');
  writeFileSync(file, kubeconfig('https://k8s', {}, { username: 'u', password: 'p' }));
  assert.deepEqual((await readKubeconfig(file)).http.basicAuth, { username: { value: 'u' }, password: { value: 'p' } });
});

const BROKEN: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  [
    'exec of an old version',
    kubeconfig('https://k8s', {}, { exec: { command: 'aws', apiVersion: 'client.authentication.k8s.io/v1alpha1' } }),
    /user "u" of .* has exec of apiVersion "client\.authentication\.k8s\.io\/v1alpha1"; known: .*v1, .*v1beta1/,
  ],
  ['exec without a command', kubeconfig('https://k8s', {}, { exec: {} }), /user "u" of .* has exec without a command/],
  [
    'exec at a terminal',
    kubeconfig(
      'https://k8s',
      {},
      { exec: { command: 'x', apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Always' } },
    ),
    /has exec that asks at a terminal/,
  ],
  ['auth-provider', kubeconfig('https://k8s', {}, { 'auth-provider': { name: 'gcp' } }), /auth-provider plugin/],
  ['impersonation', kubeconfig('https://k8s', {}, { as: 'admin' }), /impersonation \(as\)/],
  ['no context', '{apiVersion: v1}', /has no current-context/],
  ['an unknown context', '{current-context: x}', /has no context "x"/],
  ['an unknown cluster', '{current-context: x, contexts: [{name: x, context: {cluster: y}}]}', /has no cluster "y"/],
  ['no server', kubeconfig('', {}, {}), /cluster "c" of .* has no server URL/],
  ['no map', '[]', /is no kubeconfig/],
  ['no YAML', 'users: [{token: "hunter2}', /is neither YAML nor JSON/],
];
for (const [name, text, message] of BROKEN) {
  test(`a kubeconfig with ${name} is refused`, async (t) => {
    const file = join(temporaryDirectory(t), 'config');
    writeFileSync(file, text);
    await assert.rejects(readKubeconfig(file), (error) => {
      assert.ok(error instanceof DiscoveryError);
      assert.equal(error.code, 'SD_KUBERNETES_CONFIG');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('hunter2'));
      return true;
    });
  });
}

test('a kubeconfig that is not there is named', async () => {
  await assert.rejects(readKubeconfig('/nonexistent/config'), {
    message: "can't read /nonexistent/config: no such file",
  });
});
