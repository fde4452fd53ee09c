import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { HttpClientConfig } from '../../src/config/http-client-config.ts';
import { answers, startFakeTarget } from '../support/fake-target.ts';
import { failureOf, get, testClient } from '../support/http-client.ts';

async function secretFile(t: TestContext, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pyro-pull-secret-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(file, content);
  return file;
}

function basic(userinfo: string): string {
  return `Basic ${Buffer.from(userinfo).toString('base64')}`;
}

const rows: readonly { name: string; config: Partial<HttpClientConfig>; authorization: string | undefined }[] = [
  { name: 'nothing configured', config: {}, authorization: undefined },
  {
    name: 'basic-auth',
    config: { basicAuth: { username: { value: 'u' }, password: { value: 'p' } } },
    authorization: basic('u:p'),
  },
  {
    name: 'basic-auth outside ASCII, with a colon, and with spaces, which a value in place keeps',
    config: { basicAuth: { username: { value: 'ü' }, password: { value: ' a:b ' } } },
    authorization: basic('ü: a:b '),
  },
  {
    name: 'basic-auth without a password',
    config: { basicAuth: { username: { value: 'u' }, password: undefined } },
    authorization: basic('u:'),
  },
  {
    name: 'authorization',
    config: { authorization: { type: 'Token', credentials: { value: 'abc' } } },
    authorization: 'Token abc',
  },
  {
    name: 'authorization without credentials',
    config: { authorization: { type: 'Bearer', credentials: undefined } },
    authorization: undefined,
  },
];
for (const { name, config, authorization } of rows) {
  test(`${name}: ${authorization ?? 'no Authorization'}`, async (t) => {
    const target = await startFakeTarget(t, answers.status(200, ''));
    const client = testClient(t, config);
    await get(client, target);
    await get(client, target);
    assert.deepEqual(
      target.requests.map(({ headers }) => headers.authorization),
      [authorization, authorization],
    );
  });
}

test('files are trimmed', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const username = { file: await secretFile(t, ' u\n') };
  const password = { file: await secretFile(t, '\tp\r\n') };
  await get(testClient(t, { basicAuth: { username, password } }), target);
  assert.equal(target.requests[0]?.headers.authorization, basic('u:p'));
});

test('a rotated file counts after a second at the latest', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const file = await secretFile(t, 'old');
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const client = testClient(t, { authorization: { type: 'Bearer', credentials: { file } } }, { clock });
  await get(client, target);
  await writeFile(file, 'new');
  nowMs = 999;
  await get(client, target);
  nowMs = 1000;
  await get(client, target);
  assert.deepEqual(
    target.requests.map(({ headers }) => headers.authorization),
    ['Bearer old', 'Bearer old', 'Bearer new'],
  );
});

test('a missing file fails the request and names key and path', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const credentials = { file: '/nowhere/token' };
  const error = await failureOf(get(testClient(t, { authorization: { type: 'Bearer', credentials } }), target));
  assert.equal(error.code, 'SECRET_FILE');
  assert.equal(error.message, "can't read authorization.credentials-file /nowhere/token: no such file");
  assert.equal(target.requests.length, 0);
});

test('a file that is there again works again', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const file = await secretFile(t, 'token');
  await rm(file);
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const client = testClient(t, { authorization: { type: 'Bearer', credentials: { file } } }, { clock });
  await failureOf(get(client, target));
  await writeFile(file, 'token');
  nowMs = 1000;
  assert.equal((await get(client, target)).status, 200);
});

test('an Authorization header of the request is never replaced, in whatever case it is written', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const client = testClient(t, { authorization: { type: 'Bearer', credentials: { value: 'configured' } } });
  await get(client, target, '/', { headers: { AUTHORIZATION: 'mine' } });
  assert.deepEqual(
    target.requests[0]?.rawHeaders.filter((_, i, all) => all[i - 1]?.toLowerCase() === 'authorization'),
    ['mine'],
  );
});

test('http-headers: every value, from wherever it comes, in order', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const file = await secretFile(t, 'from a file\n');
  const headers = new Map([
    ['X-Scope-OrgID', { values: [{ value: 'team-a' }] }],
    ['X-Many', { values: [{ value: 'one' }, { value: 'two' }, { file }] }],
  ]);
  await get(testClient(t, { headers }), target);
  const raw = target.requests[0]?.rawHeaders ?? [];
  assert.deepEqual(
    raw.filter((_, i) => raw[i - 1] === 'X-Many'),
    ['one', 'two', 'from a file'],
  );
  assert.equal(target.requests[0]?.headers['x-scope-orgid'], 'team-a');
});

test('user and password of a URL become Basic, unless something is configured', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  await get(testClient(t), target, '/', { userinfo: 'u:p' });
  const configured = { authorization: { type: 'Bearer', credentials: { value: 'token' } } };
  await get(testClient(t, configured), target, '/', { userinfo: 'u:p' });
  assert.deepEqual(
    target.requests.map(({ headers }) => headers.authorization),
    [basic('u:p'), 'Bearer token'],
  );
});

test('http-headers replace what is sent otherwise, Host and User-Agent too', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const headers = new Map([
    ['Host', { values: [{ value: 'localhost:2019' }] }],
    ['User-Agent', { values: [{ value: 'me' }] }],
    ['Accept', { values: [{ value: 'text/plain' }] }],
    ['Content-Type', { values: [{ value: 'application/protobuf' }] }],
    ['Authorization', { values: [{ value: 'Token t' }] }],
  ]);
  await get(testClient(t, { headers }), target, '/', { headers: { accept: 'application/json' }, userinfo: 'u:p' });
  const raw = target.requests[0]?.rawHeaders ?? [];
  const sent = raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]]] : []));
  assert.deepEqual(sent.filter(([name]) => name !== 'connection').sort(), [
    ['accept', 'text/plain'],
    ['authorization', 'Token t'],
    ['content-type', 'application/protobuf'],
    ['host', 'localhost:2019'],
    ['user-agent', 'me'],
  ]);
});

test('http-headers do not change what describes a body that is sent', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const headers = new Map([['Content-Type', { values: [{ value: 'application/protobuf' }] }]]);
  const request = { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } } as const;
  await get(testClient(t, { headers }), target, '/', request);
  assert.equal(target.requests[0]?.headers['content-type'], 'text/plain');
});
