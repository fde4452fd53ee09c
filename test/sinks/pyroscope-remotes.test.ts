import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE, type RemoteWriteConfig } from '../../src/config/scrape-config.ts';
import { remotesFrom } from '../../src/sinks/pyroscope/remotes.ts';

const env = {
  PYROSCOPE_SERVER_ADDRESS: 'https://env.example:4040/base/',
  PYROSCOPE_BASIC_AUTH_USER: 'user',
  PYROSCOPE_BASIC_AUTH_PASSWORD: 'secret',
  PYROSCOPE_AUTH_TOKEN: 'token',
  PYROSCOPE_TENANT_ID: 'team-a',
};
const basicAuth = { username: { value: 'user' }, password: { value: 'secret' } };

const configured: RemoteWriteConfig = {
  url: 'http://conf.example:4040',
  name: 'main',
  api: 'push',
  tenantId: undefined,
  headers: new Map(),
  timeoutMs: 10_000,
  tags: new Map(),
  writeRelabelRules: [],
  http: DEFAULT_HTTP_CLIENT,
  queue: DEFAULT_QUEUE,
  limits: DEFAULT_PUSH_LIMITS,
};

const remotes = (pushUrls: readonly string[], remoteWrite: readonly RemoteWriteConfig[], variables: object = env) =>
  remotesFrom({ config: { remoteWrite }, pushUrls, env: { ...variables } });

test('where nothing else names a remote the environment does, with its credentials', () => {
  const [remote, ...others] = remotes([], []);
  assert.deepEqual(others, []);
  assert.equal(remote?.url, 'https://env.example:4040/base');
  assert.equal(remote?.name, 'env.example:4040');
  assert.equal(remote?.api, 'ingest');
  assert.equal(remote?.tenantId, 'team-a');
  assert.deepEqual(remote?.http, { ...DEFAULT_HTTP_CLIENT, basicAuth });
});

test('a remote of the config gets nothing of the environment', () => {
  assert.deepEqual(remotes([], [configured]), [configured]);
});

test('--push adds to the config and gets the environment credentials, the config remote does not', () => {
  const [first, second, ...others] = remotes(['http://flag.example'], [configured]);
  assert.deepEqual(others, []);
  assert.deepEqual(first, configured);
  assert.equal(second?.name, 'flag.example:80');
  assert.deepEqual(second?.http.basicAuth, basicAuth);
  assert.equal(second?.tenantId, 'team-a');
});

test('--push leaves the address of the environment out', () => {
  assert.deepEqual(
    remotes(['http://flag.example:1'], []).map(({ url }) => url),
    ['http://flag.example:1'],
  );
});

test('a URL that the config has already is that remote, with its own credentials', () => {
  assert.deepEqual(remotes(['http://conf.example:4040/'], [configured]), [configured]);
});

test('without a user the token is used', () => {
  const { PYROSCOPE_BASIC_AUTH_USER: _user, ...rest } = env;
  const [remote] = remotes([], [], rest);
  assert.equal(remote?.http.basicAuth, undefined);
  assert.deepEqual(remote?.http.authorization, { type: 'Bearer', credentials: { value: 'token' } });
});

test('credentials in the URL leave it and go before those of the environment', () => {
  const [remote] = remotes(['https://me:p%40ss@flag.example'], []);
  assert.equal(remote?.url, 'https://flag.example');
  assert.deepEqual(remote?.http.basicAuth, { username: { value: 'me' }, password: { value: 'p@ss' } });
  assert.equal(remote?.http.authorization, undefined);
});

test('empty variables are none', () => {
  assert.deepEqual(remotes([], [], { PYROSCOPE_SERVER_ADDRESS: '' }), []);
  const [remote] = remotes(['http://a'], [], { PYROSCOPE_TENANT_ID: '', PYROSCOPE_AUTH_TOKEN: '' });
  assert.equal(remote?.tenantId, undefined);
  assert.deepEqual(remote?.http, DEFAULT_HTTP_CLIENT);
});

test('two servers behind one host and port have queues of their own', () => {
  const names = remotes(['http://a:1/x', 'http://a:1/y', 'http://[::1]:4040'], []).map(({ name }) => name);
  assert.deepEqual(names, ['a:1', 'a:1-2', '[::1]:4040']);
});

const pasted = [
  { url: 'http://a:4040/ingest', is: 'http://a:4040', api: 'ingest' },
  { url: 'http://a:4040/pyroscope/ingest/', is: 'http://a:4040/pyroscope', api: 'ingest' },
  { url: 'http://a:4040/push.v1.PusherService/Push', is: 'http://a:4040', api: 'push' },
];
for (const { url, is, api } of pasted) {
  test(`the pasted endpoint ${url} is the server ${is}`, () => {
    const [remote] = remotes([url], []);
    assert.deepEqual([remote?.url, remote?.api], [is, api]);
  });
}

const wrong = [
  {
    url: 'localhost:4040',
    message: '--push: "localhost:4040" is not an http or https URL',
    hint: 'write http://localhost:4040',
  },
  {
    url: 'ftp://a',
    message: '--push: "ftp://a" is not an http or https URL',
    hint: 'write it as http://localhost:4040',
  },
  { url: '', message: '--push: "" is not an http or https URL', hint: 'write it as http://localhost:4040' },
  {
    url: 'http://u:topsecret@a/?x=1',
    message: `--push: "http://u:xxxxx@a/?x=1" has a query or fragment, which a server's address can't have`,
    hint: 'write http://a',
  },
];
for (const { url, message, hint } of wrong) {
  test(`"${url}" is refused with what to write instead`, () => {
    assert.throws(() => remotes([url], []), { name: 'UsageError', message, hint });
  });
}
