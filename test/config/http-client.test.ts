import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/config/http-client-config.ts';
import { configuredJob, saidOfJob } from '../support/config-problems.ts';

async function http(lines: string): Promise<HttpClientConfig> {
  return (await configuredJob(lines)).http;
}

test('nothing written is the default client', async () => {
  assert.deepEqual(await http(''), DEFAULT_HTTP_CLIENT);
});

test('basic auth, with files beside the config', async () => {
  assert.deepEqual((await http('basic-auth: {username: me, password: " p "}')).basicAuth, {
    username: { value: 'me' },
    password: { value: ' p ' },
  });
  assert.deepEqual((await http('basic-auth: {username-file: user.txt, password-file: /run/password}')).basicAuth, {
    username: { file: '/etc/pyro-pull/user.txt' },
    password: { file: '/run/password' },
  });
  assert.deepEqual((await http('basic-auth: {username: me}')).basicAuth, {
    username: { value: 'me' },
    password: undefined,
  });
});

test('authorization has the type Bearer unless it says another', async () => {
  assert.deepEqual((await http('authorization: {credentials: abc}')).authorization, {
    type: 'Bearer',
    credentials: { value: 'abc' },
  });
  assert.deepEqual((await http('authorization: {type: " Token ", credentials-file: t}')).authorization, {
    type: 'Token',
    credentials: { file: '/etc/pyro-pull/t' },
  });
});

test('the bearer keys are authorization in an old spelling', async () => {
  const bearer = { type: 'Bearer', credentials: { value: 'abc' } };
  assert.deepEqual((await http('bearer-token: abc')).authorization, bearer);
  assert.deepEqual((await http('bearer_token_file: t')).authorization, {
    type: 'Bearer',
    credentials: { file: '/etc/pyro-pull/t' },
  });
});

test('OAuth 2', async () => {
  const { oauth2 } = await http(
    `oauth2:
    client-id: a
    client-secret-file: secret
    scopes: [read, 1]
    token-url: https://auth.example.com/token
    endpoint-params: {audience: shop, n: 010}
    tls-config: {insecure-skip-verify: yes}`,
  );
  assert.deepEqual(oauth2, {
    clientId: 'a',
    clientSecret: { file: '/etc/pyro-pull/secret' },
    scopes: ['read', '1'],
    tokenUrl: 'https://auth.example.com/token',
    endpointParams: new Map([
      ['audience', 'shop'],
      ['n', '010'],
    ]),
    tls: {
      ca: undefined,
      cert: undefined,
      key: undefined,
      serverName: undefined,
      insecureSkipVerify: true,
      minVersion: undefined,
      maxVersion: undefined,
    },
  });
});

test('TLS', async () => {
  const { tls } = await http(
    'tls-config: {ca-file: ca.pem, cert: CERT, key: KEY, server-name: shop, min-version: TLS12, max-version: TLS13}',
  );
  assert.deepEqual(tls, {
    ca: { file: '/etc/pyro-pull/ca.pem' },
    cert: { value: 'CERT' },
    key: { value: 'KEY' },
    serverName: 'shop',
    insecureSkipVerify: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  });
});

test('proxies', async () => {
  assert.deepEqual(
    (await http('proxy-url: http://proxy:3128\nno-proxy: a,b\nproxy-connect-header: {X-A: [b, c]}')).proxy,
    {
      url: 'http://proxy:3128',
      fromEnvironment: false,
      noProxy: 'a,b',
      connectHeaders: new Map([['X-A', [{ value: 'b' }, { value: 'c' }]]]),
    },
  );
  assert.deepEqual((await http('proxy-from-environment: true')).proxy, {
    url: undefined,
    fromEnvironment: true,
    noProxy: undefined,
    connectHeaders: new Map(),
  });
  assert.equal((await http('proxy-from-environment: false')).proxy, undefined);
});

test('headers take values, secrets and files, in this order', async () => {
  const { headers } = await http('http-headers: {X-A: {files: [f], secrets: [s], values: [v]}, X-B: {}}');
  assert.deepEqual(headers.get('X-A')?.values, [{ value: 'v' }, { value: 's' }, { file: '/etc/pyro-pull/f' }]);
  assert.deepEqual(headers.get('X-B')?.values, []);
});

test('redirects can be switched off, and HTTP/2 be asked for in vain', async () => {
  assert.equal((await http('follow-redirects: false\nenable-http2: false')).followRedirects, false);
});

const METHODS: Readonly<Record<string, string>> = {
  'basic-auth': '{username: me}',
  authorization: '{credentials: c}',
  oauth2: '{client-id: a, token-url: "http://a/t"}',
  'bearer-token': 't',
  'bearer-token-file': 'f',
};
for (const [a, written] of Object.entries(METHODS)) {
  for (const [b, other] of Object.entries(METHODS)) {
    if (a >= b) continue;
    test(`${a} and ${b} exclude each other`, async () => {
      const { errors } = await saidOfJob(`${b}: ${other}\n${a}: ${written}`);
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? '', new RegExp(`^job.${a}: "${b}" \\(line \\d+\\) and "${a}" \\(line \\d+\\) exclude`));
    });
  }
}

for (const [block, a, b] of [
  ['basic-auth', 'username', 'username-file'],
  ['basic-auth', 'password', 'password-file'],
  ['authorization', 'credentials', 'credentials-file'],
  ['oauth2', 'client-secret', 'client-secret-file'],
  ['tls-config', 'ca', 'ca-file'],
  ['tls-config', 'cert', 'cert-file'],
  ['tls-config', 'key', 'key-file'],
] as const) {
  test(`${block} takes one of ${a} and ${b}`, async () => {
    const rest = { oauth2: ', client-id: a, token-url: "http://a/t"', 'tls-config': '' }[block as string] ?? '';
    const pair = a === 'cert' ? ', key: k' : a === 'key' ? ', cert: c' : '';
    const { errors } = await saidOfJob(`${block}: {${a}: x, ${b}: y${rest}${pair}}`);
    assert.deepEqual(
      errors.map((error) => error.replace(/ \(line \d+\)/g, '')),
      [`job.${block}.${b}: "${a}" and "${b}" exclude each other`],
    );
  });
}
