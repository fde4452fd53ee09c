import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import type { KubernetesDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { ExecClient } from '../../src/discovery/kubernetes/exec-client.ts';
import { type ExecCredential, type ExecPlugin, runExecPlugin } from '../../src/discovery/kubernetes/exec-plugin.ts';
import { KubernetesDiscoverer } from '../../src/discovery/kubernetes/kubernetes-discoverer.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { HttpError } from '../../src/errors.ts';
import { addressOf } from '../../src/http/address.ts';
import { createAuthority } from '../support/certificates.ts';
import { podOf, startFakeKubernetes, status } from '../support/fake-kubernetes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { addressesIn } from '../support/vectors.ts';

const SIGNAL = new AbortController().signal;
const V1 = 'client.authentication.k8s.io/v1';
const V1BETA1 = 'client.authentication.k8s.io/v1beta1';

/** A program of these lines of JavaScript, which are given `say(status)`. */
function program(dir: string, name: string, lines: string): string {
  const file = join(dir, name);
  const say = `const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
const say = (status) => console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status }));
require('node:fs').appendFileSync(__dirname + '/runs', process.env.KUBERNETES_EXEC_INFO + '\\n');`;
  writeFileSync(file, `#!${process.execPath}\n${say}\n${lines}\n`);
  chmodSync(file, 0o755);
  return file;
}

function runsIn(dir: string): { spec: { cluster?: Record<string, unknown>; interactive: boolean } }[] {
  const file = join(dir, 'runs');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
}

/** An API server with TLS and a pod, and a kubeconfig whose user runs the program. */
async function cluster(t: TestContext, lines: string, exec: object = {}, tls: object = {}) {
  const authority = createAuthority();
  const api = await startFakeKubernetes(t, { ...authority.issue('k8s', { hosts: ['127.0.0.1'] }), ...tls });
  api.set('pods', podOf('a', '10.0.0.1'));
  const dir = temporaryDirectory(t);
  program(dir, 'plugin', lines);
  const ca = Buffer.from(authority.cert).toString('base64');
  const kubeconfig = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: api.server.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'u', user: { exec: { apiVersion: V1, command: './plugin', ...exec } } }],
  };
  const file = join(dir, 'config');
  writeFileSync(file, stringify(kubeconfig));
  const config: KubernetesDiscoveryConfig = {
    mechanism: 'kubernetes',
    role: 'pod',
    apiServer: undefined,
    kubeconfigFile: file,
    namespaces: { names: [], ownNamespace: false },
    selectors: [],
    attachMetadata: { node: false, namespace: false, deployment: false, job: false, cronjob: false },
    http: DEFAULT_HTTP_CLIENT,
  };
  const discoverer = (more: Partial<KubernetesDiscoveryConfig> = {}) =>
    new KubernetesDiscoverer(
      { ...config, ...more },
      'kubernetes-sd-configs[0]',
      { ...REAL_TIME, random: () => 0 },
      { environment: process.env, serviceAccountDir: '/nonexistent' },
    );
  return { api, authority, dir, file, discoverer };
}

for (const apiVersion of [V1, V1BETA1]) {
  test(`a program gives the token, once for all requests (${apiVersion})`, async (t) => {
    const { api, dir, discoverer } = await cluster(t, "say({ token: 'abc' })", { apiVersion });
    const update = await discoverer({ role: 'endpoints' }).once(SIGNAL);
    assert.deepEqual(update.failures, []);
    assert.equal(api.server.requests.length, 3);
    for (const { headers } of api.server.requests) assert.equal(headers.authorization, 'Bearer abc');
    assert.equal(runsIn(dir).length, 1);
    assert.equal(runsIn(dir)[0]?.spec.interactive, false);
  });
}

test('arguments and environment are those of the kubeconfig, without a shell or an input', async (t) => {
  const lines = `process.stdin.on('data', () => process.exit(9)).on('end', () => say({ token: process.argv.slice(2).join('|') + process.env.PROFILE }));`;
  const { api, dir, discoverer } = await cluster(t, lines, {
    args: ['get-token', '; touch owned', '$HOME'],
    env: [{ name: 'PROFILE', value: '-dev' }],
  });
  assert.deepEqual((await discoverer().once(SIGNAL)).failures, []);
  assert.equal(api.server.requests[0]?.headers.authorization, 'Bearer get-token|; touch owned|$HOME-dev');
  assert.ok(!existsSync(join(dir, 'owned')) && !existsSync('owned'));
});

test('a program that asks is told about the cluster', async (t) => {
  const { api, dir, discoverer } = await cluster(t, "say({ token: 'abc' })", { provideClusterInfo: true });
  await discoverer().once(SIGNAL);
  const told = runsIn(dir)[0]?.spec.cluster ?? {};
  assert.equal(told['server'], api.server.url);
  assert.ok(told['certificate-authority-data']);
});

test('what a server does not know any more is fetched anew', async (t) => {
  const lines = `const runs = require('node:fs').readFileSync(__dirname + '/runs', 'utf8').split('\\n').length - 1; say({ token: 't' + runs });`;
  const { api, dir, discoverer } = await cluster(t, lines);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const updates = discoverer().watch(stop.signal);
  assert.deepEqual(addressesIn((await updates.next()).value ?? assert.fail()), ['10.0.0.1:8080']);
  while (api.watches().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  api.override = (request, response) => {
    api.override = undefined;
    return status(401, 'Unauthorized')(request, response);
  };
  api.compact();
  api.error(410, 'Expired');
  api.set('pods', podOf('b', '10.0.0.2'));
  let seen: readonly string[] = [];
  while (seen.length < 2) seen = addressesIn((await updates.next()).value ?? assert.fail());
  assert.equal(runsIn(dir).length, 2);
  assert.equal(api.server.requests.at(-1)?.headers.authorization, 'Bearer t2');
  stop.abort();
});

test('a program may give a client certificate', async (t) => {
  const authority = createAuthority();
  const client = authority.issue('scraper');
  const { api, discoverer, dir } = await cluster(
    t,
    "say(JSON.parse(require('node:fs').readFileSync(__dirname + '/status', 'utf8')))",
    {},
    { requestCert: true, rejectUnauthorized: true, ca: authority.cert },
  );
  writeFileSync(join(dir, 'status'), JSON.stringify({ clientCertificateData: client.cert, clientKeyData: client.key }));
  const update = await discoverer().once(SIGNAL);
  assert.deepEqual([addressesIn(update), update.failures], [['10.0.0.1:8080'], []]);
  assert.equal(api.server.requests[0]?.headers.authorization, undefined);
});

const FAILURES: readonly (readonly [why: string, lines: string, exec: object, message: RegExp, hint: RegExp])[] = [
  [
    'is not there',
    '',
    { command: './nothing', installHint: 'brew install\n  nothing' },
    /user "u" of .*config: the program .*nothing for its credentials is not there/,
    /^brew install nothing$/,
  ],
  ['is sought in PATH', '', { command: 'no-such-plugin' }, /the program no-such-plugin .* is not there/, /whole path/],
  [
    'fails',
    "console.error('Unable to locate\\n credentials'); console.log('hunter2'); process.exitCode = 255",
    {},
    /ended with exit code 255: Unable to locate credentials/,
    /run it by hand/,
  ],
  ['prints no JSON', "console.log('token: hunter2')", {}, /gave no JSON/, /ExecCredential of .*\/v1/],
  ['prints something else', "console.log('{}')", {}, /gave no ExecCredential/, /^$/],
  [
    'answers in another version',
    `console.log(JSON.stringify({ kind: 'ExecCredential', apiVersion: '${V1BETA1}', status: { token: 'hunter2' } }))`,
    {},
    /answers with another apiVersion than .*\/v1;/,
    /kubeconfig/,
  ],
  ['has no status', 'say(undefined)', {}, /without a status/, /^$/],
  ['gives nothing', 'say({})', {}, /neither a token nor a client certificate/, /^$/],
  ['gives half a certificate', "say({ clientKeyData: 'hunter2' })", {}, /certificate or key without the other/, /^$/],
  ['gives no time', "say({ token: 'hunter2', expirationTimestamp: 'soon' })", {}, /no time/, /^$/],
];

for (const [why, lines, exec, message, hint] of FAILURES) {
  test(`a program that ${why} is a failure that says so`, async (t) => {
    const { api, discoverer } = await cluster(t, lines, exec);
    const { groups, failures } = await discoverer().once(SIGNAL);
    assert.deepEqual(groups, []);
    assert.match(failures[0]?.message ?? '', message);
    assert.match(failures[0]?.hint ?? '', hint);
    assert.doesNotMatch(JSON.stringify(failures), /hunter2/);
    assert.equal(api.server.requests.length, 0);
  });
}

const PLUGIN: ExecPlugin = {
  owner: 'user "u"',
  apiVersion: V1,
  command: '/nonexistent',
  args: [],
  env: new Map(),
  installHint: undefined,
  cluster: undefined,
};

test('a program that hangs is ended', { timeout: 20_000 }, async (t) => {
  const command = program(temporaryDirectory(t), 'plugin', 'setInterval(() => {}, 1000)');
  const running = runExecPlugin({ ...PLUGIN, command }, process.env, { timeoutMs: 300 });
  await assert.rejects(running, { code: 'EXEC_CREDENTIAL', message: /gave no credential within 0\.3s/ });
});

test('a program that floods is ended', { timeout: 20_000 }, async (t) => {
  const command = program(
    temporaryDirectory(t),
    'plugin',
    "setInterval(() => process.stdout.write('x'.repeat(65536)))",
  );
  await assert.rejects(runExecPlugin({ ...PLUGIN, command }, process.env), { message: /more than a credential/ });
});

test('a program that is no longer of use is ended', { timeout: 20_000 }, async (t) => {
  const command = program(temporaryDirectory(t), 'plugin', 'setInterval(() => {}, 1000)');
  const stop = new AbortController();
  const running = runExecPlugin({ ...PLUGIN, command }, process.env, { signal: stop.signal });
  stop.abort();
  await assert.rejects(running, { code: 'CANCELLED' });
});

/** A client whose program is a function of the test, against a server that answers 200 to these tokens alone. */
async function client(t: TestContext, credentials: readonly Partial<ExecCredential>[], accepts: RegExp = /./) {
  const api = await startFakeKubernetes(t);
  api.override = (request, response) => {
    const isGood = accepts.test(request.headers.authorization ?? '');
    response.writeHead(isGood ? 200 : 401).end();
  };
  const state = { nowMs: 1_000_000, runs: 0 };
  const exec = new ExecClient(
    PLUGIN,
    DEFAULT_HTTP_CLIENT,
    {},
    {
      environment: {},
      now: () => state.nowMs,
      run: async () => {
        const credential = credentials[Math.min(state.runs, credentials.length - 1)];
        state.runs += 1;
        if (credential === undefined) throw new HttpError('EXEC_CREDENTIAL', 'no');
        return { token: undefined, certificate: undefined, expiresAtMs: undefined, ...credential };
      },
    },
  );
  t.after(() => exec.destroy());
  const request = (isHeld = false) =>
    exec.request({ ...addressOf(api.server.url), timeoutMs: 5000, maxBodyBytes: 1000, isHeld });
  return { state, request, exec };
}

test('a credential is renewed shortly before it ends, once for all requests', async (t) => {
  const { state, request } = await client(t, [{ token: 'a', expiresAtMs: 1_060_000 }, { token: 'b' }]);
  await Promise.all([request(), request(), request()]);
  assert.equal(state.runs, 1);
  state.nowMs = 1_049_999;
  await request();
  assert.equal(state.runs, 1);
  state.nowMs = 1_050_000;
  await Promise.all([request(), request(), request()]);
  assert.equal(state.runs, 2);
});

test('one that lives shorter than the margin is used for half its time', async (t) => {
  const { state, request } = await client(t, [{ token: 'a', expiresAtMs: 1_004_000 }]);
  await request();
  state.nowMs = 1_001_999;
  await request();
  assert.equal(state.runs, 1);
  state.nowMs = 1_002_000;
  await request();
  assert.equal(state.runs, 2);
});

test('at 401 a known credential is fetched anew and the request sent again, a fresh one is not', async (t) => {
  const { state, request } = await client(t, [{ token: 'a' }, { token: 'b' }], /b/);
  assert.equal((await request()).status, 401);
  assert.equal(state.runs, 1);
  assert.equal((await request()).status, 200);
  assert.equal(state.runs, 2);
});

test('a held request at 401 is not sent again, but the next one has another credential', async (t) => {
  const { state, request } = await client(t, [{ token: 'a' }, { token: 'b' }], /b/);
  assert.equal((await request(true)).status, 401);
  assert.equal((await request(true)).status, 200);
  assert.equal(state.runs, 2);
});

test('a failure is not remembered', async (t) => {
  const { state, request } = await client(t, []);
  await assert.rejects(request(), { code: 'EXEC_CREDENTIAL' });
  await assert.rejects(request(), { code: 'EXEC_CREDENTIAL' });
  assert.equal(state.runs, 2);
});
