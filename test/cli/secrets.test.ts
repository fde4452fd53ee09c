import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '../support/certificates.ts';
import { type Answer, startFakePyroscope } from '../support/fake-pyroscope.ts';
import { type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { type RemoteWorld, remoteWorld } from '../support/remote-world.ts';
import { runModule } from '../support/source-module.ts';

// Secrets planted wherever a user may put one must not come out anywhere: standard output and error at the noisiest level
// and in every format, the index, states, queues, what was rejected, temporary files.

const SECRETS = {
  url: 'planted-url-password',
  push: 'planted-push-password',
  basic: 'planted-basic-password',
  bearer: 'planted-bearer-token',
  file: 'planted-token-of-a-file',
  client: 'planted-client-secret',
  endpoint: 'planted-endpoint-parameter',
  access: 'planted-access-token',
  header: 'planted-header',
  httpHeader: 'planted-http-header',
  proxy: 'planted-proxy-password',
  connect: 'planted-connect-header',
  envPassword: 'planted-password-of-the-environment',
  envToken: 'planted-token-of-the-environment',
  targetPassword: 'planted-target-password',
  targetQuery: 'planted-target-query',
  sig: 'planted-sig',
  auth: 'planted-auth',
  sas: 'planted-sas',
  amz: 'planted-amz-signature',
  labelKey: 'planted-key-of-a-label',
  rule: 'planted-key-of-a-rule',
} as const;

const CONFIG_FILES = new Set(['pyro-pull.yml', 'token', 'key.pem']);

/** A secret also shows in the forms in which it goes over the wire. */
function formsOf(secret: string): string[] {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return [secret, base64(`me:${secret}`), encodeURIComponent(secret)];
}

function assertNoSecret(w: RemoteWorld, texts: readonly (readonly [where: string, text: string])[]): void {
  const files = w.contents().filter(([path]) => !CONFIG_FILES.has(path));
  for (const [where, text] of [...texts, ...files]) {
    for (const secret of Object.values(SECRETS).flatMap(formsOf)) {
      const at = text.indexOf(secret);
      assert.ok(at < 0, `${secret} in ${where}: …${text.slice(Math.max(0, at - 200), at + 100)}`);
    }
  }
}

const JOB = `basic-auth: { username: me, password: ${SECRETS.targetPassword} }
params: { token: ["${SECRETS.targetQuery}"], sig: ["${SECRETS.sig}"], auth: ["${SECRETS.auth}"], sas: ["${SECRETS.sas}"], X-Amz-Signature: ["${SECRETS.amz}"] }
relabel-configs:
  - { target-label: __param_api_key, replacement: ${SECRETS.labelKey} }
  - { target-label: __param_api_key, replacement: ${SECRETS.rule} }`;

interface Remote {
  readonly name: string;
  /** The keys of the remote, beside its url. */
  readonly keys: string;
}

const remotes: readonly Remote[] = [
  { name: 'basic', keys: `basic-auth: { username: me, password: ${SECRETS.basic} }` },
  { name: 'bearer', keys: `authorization: { credentials: ${SECRETS.bearer} }` },
  { name: 'file', keys: 'bearer-token-file: token' },
  {
    name: 'oauth2',
    keys: `oauth2: { client-id: me, client-secret: ${SECRETS.client}, token-url: "TOKEN-URL", endpoint-params: { more: ${SECRETS.endpoint} } }`,
  },
  {
    name: 'headers',
    keys: `headers: { X-Key: ${SECRETS.header} }\nhttp-headers: { X-Other: { secrets: [${SECRETS.httpHeader}] } }`,
  },
  {
    name: 'proxy',
    keys: `proxy-url: "http://me:${SECRETS.proxy}@PROXY"\nproxy-connect-header: { X-Connect: ["${SECRETS.connect}"] }`,
  },
];

function remoteWrite(url: string, places: Readonly<Record<string, string>>): string {
  const withPassword = url.replace('://', `://me:${SECRETS.url}@`);
  const all = [...remotes.map((remote) => ({ ...remote, url })), { name: 'url', keys: '', url: withPassword }];
  const text = all
    .map(
      ({ name, keys, url: to }) =>
        `  - url: ${to}\n    name: ${name}\n    remote-timeout: 300ms\n    queue: { min-backoff: 5ms, max-backoff: 20ms }\n${keys.replace(/^(?=.)/gm, '    ')}`,
    )
    .join('\n');
  return `remote-write:\n${Object.entries(places).reduce((now, [name, value]) => now.replaceAll(name, value), text)}`;
}

const ENVIRONMENT = {
  PYROSCOPE_BASIC_AUTH_USER: 'me',
  PYROSCOPE_BASIC_AUTH_PASSWORD: SECRETS.envPassword,
  PYROSCOPE_AUTH_TOKEN: SECRETS.envToken,
};

/** What a server may say of the credentials that it got. */
const answers: Readonly<Record<string, Answer | 'down' | 'not trusted'>> = {
  'takes all': {},
  'refuses the credentials': { status: 401 },
  forbids: { status: 403 },
  'refuses the profile': { status: 400 },
  'doubts the profile': { status: 422 },
  'is not there': { status: 404 },
  redirects: { status: 307, headers: { location: 'https://elsewhere/' } },
  'is overloaded': { status: 503 },
  resets: { fault: 'reset' },
  stalls: { fault: 'stall' },
  'is down': 'down',
  'is not trusted': 'not trusted',
};

for (const [what, answer] of Object.entries(answers)) {
  test(`no secret comes out where a remote ${what}`, { timeout: 300_000 }, async (t) => {
    const w = await remoteWorld(t);
    const isFine = what === 'takes all';
    writeFileSync(join(w.dir, 'token'), SECRETS.file);
    const tokens: FakeTarget = await startFakeTarget(t, {
      '/token': (_request, response) => {
        const token = { access_token: SECRETS.access, token_type: 'Bearer', expires_in: 3600 };
        // A careless server quotes what it was asked.
        const refusal = { error: 'invalid_client', asked: tokens.requests.at(-1) };
        response.writeHead(isFine ? 200 : 401, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isFine ? token : refusal));
      },
    });
    const proxy = await startFakeTarget(t, {});
    const server = await startFakePyroscope(t);
    let { url } = server;
    if (answer === 'down') url = `http://127.0.0.1:${await freePort()}`;
    else if (answer === 'not trusted') url = await startUntrusted(t);
    else
      server.answer = ({ headers }) =>
        isFine
          ? answer
          : { body: JSON.stringify({ message: `no: ${headers.authorization} ${headers['x-key']}` }), ...answer };
    w.configure(remoteWrite(url, { 'TOKEN-URL': `${tokens.url}/token`, PROXY: proxy.address }), JOB);
    const texts: [string, string][] = [];
    for (const argv of [
      ['scrape', '-c', 'CONFIG', '-o', 'profiles', '--state-dir', 'state', '--json', '--log-format', 'json'],
      ['scrape', '-c', 'CONFIG', '-o', 'profiles', '--push', url.replace('://', `://me:${SECRETS.push}@`)],
      ['scrape', '-c', 'CONFIG', '--dry-run', '--log-format', 'logfmt'],
      ['check', 'CONFIG'],
      ['targets', '-c', 'CONFIG', '--explain'],
      ['targets', '-c', 'CONFIG', '--explain', '--json'],
      ['push', join(w.dir, 'profiles'), '--retry', '-c', 'CONFIG'],
      ['push', join(w.dir, 'profiles'), '--push', url],
    ]) {
      const [command] = argv;
      const noisy = command === 'scrape' ? ['--log-level', 'debug', '--push-deadline', '400ms'] : [];
      const brief = command === 'push' ? ['--push-deadline', '400ms'] : [];
      const { out, err } = await w.pyroPull([...argv, ...noisy, ...brief], ENVIRONMENT);
      assert.doesNotMatch(err, /internal error/);
      texts.push([`${argv.join(' ')} (stdout)`, out], [`${argv.join(' ')} (stderr)`, err]);
    }
    assertNoSecret(w, texts);
    const [received] = w.target.requests;
    assert.ok(received?.path.includes(SECRETS.targetQuery), 'the planted secrets are in use');
    if (isFine) {
      const sent = server.received.map(({ headers }) => JSON.stringify(headers));
      for (const name of ['bearer', 'file', 'access', 'header', 'httpHeader'] as const) {
        assert.ok(
          sent.some((headers) => headers.includes(SECRETS[name])),
          `${name} was sent`,
        );
      }
    }
  });
}

test('no secret is in what a killed process leaves, temporary files included', { timeout: 300_000 }, async (t) => {
  const w = await remoteWorld(t);
  mkdirSync(join(w.dir, 'tmp'));
  const server = await startFakePyroscope(t);
  server.answer = () => ({ fault: 'stall' });
  w.configure(remoteWrite(server.url, { 'TOKEN-URL': server.url, PROXY: server.url.slice(7) }), JOB);
  const argv = ['scrape', '-c', join(w.dir, 'pyro-pull.yml'), '--loop', '--log-level', 'debug'];
  const child = spawn(process.execPath, runModule('src/cli/dev.ts', ...argv), {
    cwd: w.dir,
    env: { ...process.env, ...ENVIRONMENT, TMPDIR: join(w.dir, 'tmp') },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  while (w.queued('profiles/.queue/basic').length === 0) {
    assert.equal(child.exitCode, null, said);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  await once(child, 'close');
  assertNoSecret(w, [['the output', said]]);
});

async function startUntrusted(t: { after(fn: () => void): void }): Promise<string> {
  const server = createServer(createAuthority().issue('localhost', { hosts: ['127.0.0.1'] }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close().closeAllConnections());
  const address = server.address();
  return `https://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
}
