import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { OAuth2Config } from '../../src/config/http-client-config.ts';
import { createAuthority } from '../support/certificates.ts';
import { type Answer, answers, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { failureOf, get, testClient } from '../support/http-client.ts';

function oauth2(issuer: Pick<FakeTarget, 'url'>, more: Partial<OAuth2Config> = {}): { oauth2: OAuth2Config } {
  return {
    oauth2: {
      clientId: 'me',
      clientSecret: { value: 's3cret' },
      scopes: [],
      tokenUrl: `${issuer.url}/token`,
      endpointParams: new Map(),
      tls: undefined,
      ...more,
    },
  };
}

function json(body: unknown, status = 200): Answer {
  return answers.body(JSON.stringify(body), { 'content-type': 'application/json' }, status);
}

/** Hands out token-1, token-2 … */
function tokens(more: Readonly<Record<string, unknown>> = {}): Answer {
  let count = 0;
  return (request, response) => {
    count += 1;
    json({ access_token: `token-${count}`, token_type: 'bearer', ...more })(request, response);
  };
}

test('asks for a token by client credentials in HTTP Basic and sends it as Bearer', async (t) => {
  const issuer = await startFakeTarget(t, tokens());
  const target = await startFakeTarget(t, answers.status(200, ''));
  const config = oauth2(issuer, { scopes: ['a', 'b'], endpointParams: new Map([['audience', 'x y']]) });
  await get(testClient(t, config), target);
  const [asked] = issuer.requests;
  assert.equal(asked?.method, 'POST');
  assert.equal(asked?.headers.authorization, `Basic ${Buffer.from('me:s3cret').toString('base64')}`);
  assert.equal(asked?.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(asked?.body, 'grant_type=client_credentials&scope=a+b&audience=x+y');
  assert.equal(target.requests[0]?.headers.authorization, 'Bearer token-1');
});

test('id and secret are form-encoded inside Basic', async (t) => {
  const issuer = await startFakeTarget(t, tokens());
  const target = await startFakeTarget(t, answers.status(200, ''));
  await get(testClient(t, oauth2(issuer, { clientId: 'a:b', clientSecret: { value: 'p q%' } })), target);
  assert.equal(issuer.requests[0]?.headers.authorization, `Basic ${Buffer.from('a%3Ab:p+q%25').toString('base64')}`);
});

test('a server that refuses Basic gets id and secret in the form, from then on at once', async (t) => {
  const good = tokens({ expires_in: 11 });
  const issuer = await startFakeTarget(t, (request, response) => {
    (request.headers.authorization ? json({ error: 'invalid_client' }, 401) : good)(request, response);
  });
  const target = await startFakeTarget(t, answers.status(200, ''));
  let nowMs = 0;
  const client = testClient(t, oauth2(issuer), { clock: { now: () => nowMs, monotonic: () => nowMs } });
  await get(client, target);
  nowMs = 2000;
  await get(client, target);
  assert.deepEqual(
    issuer.requests.map(({ headers, body }) => headers.authorization?.slice(0, 5) ?? body),
    [
      'Basic',
      'grant_type=client_credentials&client_id=me&client_secret=s3cret',
      'grant_type=client_credentials&client_id=me&client_secret=s3cret',
    ],
  );
});

test('a token serves until ten seconds before it expires', async (t) => {
  const issuer = await startFakeTarget(t, tokens({ expires_in: 60 }));
  const target = await startFakeTarget(t, answers.status(200, ''));
  let nowMs = 0;
  const client = testClient(t, oauth2(issuer), { clock: { now: () => nowMs, monotonic: () => nowMs } });
  await get(client, target);
  nowMs = 49_999;
  await get(client, target);
  nowMs = 50_000;
  await get(client, target);
  assert.deepEqual(
    target.requests.map(({ headers }) => headers.authorization),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
  );
});

test('a token without an expiry serves for ever', async (t) => {
  const issuer = await startFakeTarget(t, tokens());
  const target = await startFakeTarget(t, answers.status(200, ''));
  let nowMs = 0;
  const client = testClient(t, oauth2(issuer), { clock: { now: () => nowMs, monotonic: () => nowMs } });
  await get(client, target);
  nowMs = 1e9;
  await get(client, target);
  assert.equal(issuer.requests.length, 1);
});

test('a new secret gets a new token', async (t) => {
  const issuer = await startFakeTarget(t, tokens());
  const target = await startFakeTarget(t, answers.status(200, ''));
  const folder = await mkdtemp(join(tmpdir(), 'pyro-pull-oauth2-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(file, 'old\n');
  let nowMs = 0;
  const config = oauth2(issuer, { clientSecret: { file } });
  const client = testClient(t, config, { clock: { now: () => nowMs, monotonic: () => nowMs } });
  await get(client, target);
  await writeFile(file, 'new\n');
  nowMs = 1000;
  await get(client, target);
  assert.deepEqual(
    issuer.requests.map(({ headers }) => headers.authorization),
    ['me:old', 'me:new'].map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
  );
});

test('requests at once share one token', async (t) => {
  const issuer = await startFakeTarget(t, answers.late(20, tokens()));
  const target = await startFakeTarget(t, answers.status(200, ''));
  const client = testClient(t, oauth2(issuer));
  await Promise.all([1, 2, 3, 4].map(() => get(client, target)));
  assert.equal(issuer.requests.length, 1);
});

test('another token type is sent as it is called; a form is read as well as JSON', async (t) => {
  const issuer = await startFakeTarget(t, answers.body('access_token=abc&token_type=MAC&expires_in=100'));
  const target = await startFakeTarget(t, answers.status(200, ''));
  await get(testClient(t, oauth2(issuer)), target);
  assert.equal(target.requests[0]?.headers.authorization, 'MAC abc');
});

test('tls of the block is for the token URL only', async (t) => {
  const authority = createAuthority();
  const issuer = await startFakeTarget(t, tokens(), { tls: authority.issue('t', { hosts: ['127.0.0.1'] }) });
  const target = await startFakeTarget(t, answers.status(200, ''));
  const tls = {
    ca: { value: authority.cert },
    cert: undefined,
    key: undefined,
    serverName: undefined,
    insecureSkipVerify: false,
    minVersion: undefined,
    maxVersion: undefined,
  };
  await get(testClient(t, oauth2(issuer, { tls })), target);
  assert.equal(target.requests[0]?.headers.authorization, 'Bearer token-1');
  const error = await failureOf(get(testClient(t, { ...oauth2(issuer), tls }), target));
  assert.equal(error.message, `no OAuth2 token from ${issuer.url}/token: TLS: certificate signed by unknown authority`);
});

test('a refusal is told in the words of the server, without the secret', async (t) => {
  const refusal = json({ error: 'invalid_client', error_description: 'no such client', echo: 's3cret' }, 401);
  const issuer = await startFakeTarget(t, refusal);
  const target = await startFakeTarget(t, answers.status(200, ''));
  const error = await failureOf(get(testClient(t, oauth2(issuer)), target));
  assert.equal(error.code, 'OAUTH2');
  assert.equal(error.message, `no OAuth2 token from ${issuer.url}/token: HTTP 401 (invalid_client, no such client)`);
  assert.equal(target.requests.length, 0);
});

test('a refused token is asked for again the next time', async (t) => {
  let isBroken = true;
  const good = tokens();
  const issuer = await startFakeTarget(t, (request, response) => {
    (isBroken ? answers.status(503, 'busy') : good)(request, response);
  });
  const target = await startFakeTarget(t, answers.status(200, ''));
  const client = testClient(t, oauth2(issuer));
  assert.equal((await failureOf(get(client, target))).message, `no OAuth2 token from ${issuer.url}/token: HTTP 503`);
  isBroken = false;
  assert.equal((await get(client, target)).status, 200);
});

for (const { name, answer } of [
  { name: 'JSON without a token', answer: json({}) },
  { name: 'broken JSON', answer: answers.body('{"access_token": ') },
  { name: 'HTML', answer: answers.body('<html>') },
]) {
  test(`${name} is no token`, async (t) => {
    const issuer = await startFakeTarget(t, answer);
    const target = await startFakeTarget(t, answers.status(200, ''));
    const error = await failureOf(get(testClient(t, oauth2(issuer)), target));
    assert.equal(error.message, `no OAuth2 token from ${issuer.url}/token: the answer holds no access_token`);
  });
}

test('an unreachable token URL is told with its cause, its password not', async (t) => {
  const port = await freePort();
  const target = await startFakeTarget(t, answers.status(200, ''));
  const config = oauth2({ url: '' }, { tokenUrl: `http://u:hidden@127.0.0.1:${port}/token` });
  const error = await failureOf(get(testClient(t, config), target));
  assert.equal(error.code, 'CONNECTION_REFUSED');
  assert.equal(error.message, `no OAuth2 token from http://u:xxxxx@127.0.0.1:${port}/token: connection refused`);
});
