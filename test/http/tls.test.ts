import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';
import type { TlsConfig } from '../../src/config/http-client-config.ts';
import { createAuthority } from '../support/certificates.ts';
import { answers, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

const authority = createAuthority();
const stranger = createAuthority('somebody else');
const DAY_MS = 24 * 3600 * 1000;

const NO_TLS: TlsConfig = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
  minVersion: undefined,
  maxVersion: undefined,
};
const trusted: TlsConfig = { ...NO_TLS, ca: { value: authority.cert } };

function startTlsTarget(
  t: TestContext,
  tls: TlsOptions = authority.issue('t', { hosts: ['127.0.0.1'] }),
): Promise<FakeTarget> {
  return startFakeTarget(t, answers.status(200, 'ok'), { tls });
}

test('a certificate of a configured CA for the address is good', async (t) => {
  const target = await startTlsTarget(t);
  assert.equal(textOf(await get(testClient(t, { tls: trusted }), target)), 'ok');
});

test('unknown CA', async (t) => {
  const target = await startTlsTarget(t);
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'TLS_CERTIFICATE');
  assert.equal(error.message, 'TLS: certificate signed by unknown authority');
  assert.equal(error.hint, 'put the certificate of its CA into tls-config.ca-file');
});

test('another CA', async (t) => {
  const target = await startTlsTarget(t);
  const error = await failureOf(get(testClient(t, { tls: { ...NO_TLS, ca: { value: stranger.cert } } }), target));
  assert.equal(error.message, 'TLS: certificate signed by unknown authority');
});

test('a CA file may hold several certificates', async (t) => {
  const target = await startTlsTarget(t);
  const tls = { ...NO_TLS, ca: { value: `${stranger.cert}\n# ours\n${authority.cert}` } };
  assert.equal(textOf(await get(testClient(t, { tls }), target)), 'ok');
});

test('a self-signed certificate', async (t) => {
  const target = await startTlsTarget(t, createAuthority('itself'));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.message, 'TLS: self-signed certificate');
  assert.equal(error.hint, 'put that certificate into tls-config.ca-file');
});

test('an expired certificate', async (t) => {
  const notAfter = new Date(Date.now() - DAY_MS);
  const target = await startTlsTarget(t, authority.issue('t', { hosts: ['127.0.0.1'], notAfter }));
  const error = await failureOf(get(testClient(t, { tls: trusted }), target));
  assert.equal(error.code, 'TLS_CERTIFICATE');
  assert.equal(error.message, 'TLS: certificate has expired');
});

test('a certificate of tomorrow', async (t) => {
  const notBefore = new Date(Date.now() + DAY_MS);
  const target = await startTlsTarget(t, authority.issue('t', { hosts: ['127.0.0.1'], notBefore }));
  const error = await failureOf(get(testClient(t, { tls: trusted }), target));
  assert.equal(error.message, 'TLS: certificate is not valid yet');
});

test('a certificate for another host', async (t) => {
  const target = await startTlsTarget(t, authority.issue('t', { hosts: ['shop.example', '10.0.0.1'] }));
  const error = await failureOf(get(testClient(t, { tls: trusted }), target));
  assert.equal(error.code, 'TLS_CERTIFICATE');
  assert.equal(error.message, `TLS: certificate is for shop.example, 10.0.0.1, not for ${target.address}`);
  assert.equal(error.hint, 'set tls-config.server-name to a name that the certificate holds');
});

test('server-name is what the certificate must be for, and what the server is asked for', async (t) => {
  const asked: string[] = [];
  const { cert, key } = authority.issue('t', { hosts: ['shop.example'] });
  const target = await startTlsTarget(t, {
    cert,
    key,
    SNICallback: (name, done) => {
      asked.push(name);
      done(null);
    },
  });
  const client = testClient(t, { tls: { ...trusted, serverName: 'shop.example' } });
  assert.equal(textOf(await get(client, target)), 'ok');
  assert.deepEqual(asked, ['shop.example']);
});

test('insecure-skip-verify takes any certificate', async (t) => {
  const target = await startTlsTarget(t, createAuthority('itself'));
  assert.equal(textOf(await get(testClient(t, { tls: { ...NO_TLS, insecureSkipVerify: true } }), target)), 'ok');
});

const mutual = {
  ...authority.issue('t', { hosts: ['127.0.0.1'] }),
  ca: authority.cert,
  requestCert: true,
  rejectUnauthorized: true,
};

test('a client certificate is presented', async (t) => {
  const target = await startTlsTarget(t, mutual);
  const { cert, key } = authority.issue('scraper');
  const client = testClient(t, { tls: { ...trusted, cert: { value: cert }, key: { value: key } } });
  assert.equal(textOf(await get(client, target)), 'ok');
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  // With TLS 1.3 the alert comes after the handshake, in place of the answer.
  test(`a missing client certificate is named, ${maxVersion}`, async (t) => {
    const target = await startTlsTarget(t, { ...mutual, maxVersion });
    const error = await failureOf(get(testClient(t, { tls: trusted }), target));
    assert.equal(error.code, 'TLS_HANDSHAKE');
    assert.match(error.message, /^TLS: refused by the target \(.*(handshake failure|certificate required)\)$/);
    assert.equal(error.hint, 'if the target asks for a client certificate, set tls-config.cert-file and key-file');
  });
}

test('no TLS version in common', async (t) => {
  const target = await startTlsTarget(t, { ...authority.issue('t', { hosts: ['127.0.0.1'] }), maxVersion: 'TLSv1.2' });
  const error = await failureOf(get(testClient(t, { tls: { ...trusted, minVersion: 'TLSv1.3' } }), target));
  assert.equal(error.message, 'TLS: no protocol version in common');
});

test('https to a port that speaks plain HTTP', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const error = await failureOf(get(testClient(t), { origin: { ...target.origin, scheme: 'https' } }));
  assert.equal(error.code, 'TLS_NOT_SPOKEN');
  assert.equal(error.message, 'the port does not speak TLS');
  assert.equal(error.hint, 'set scheme: http');
});

test('plain HTTP to a port that speaks TLS', async (t) => {
  const target = await startTlsTarget(t);
  const error = await failureOf(get(testClient(t), { origin: { ...target.origin, scheme: 'http' } }));
  assert.equal(error.code, 'CONNECTION_CLOSED');
  assert.equal(error.hint, 'if the target speaks TLS, set scheme: https');
});

test('a CA file without a certificate is an error, not an empty list', async (t) => {
  const target = await startTlsTarget(t);
  const error = await failureOf(get(testClient(t, { tls: { ...NO_TLS, ca: { value: 'oops' } } }), target));
  assert.equal(error.code, 'TLS_CONFIG');
  assert.equal(error.message, 'tls-config.ca holds no certificate');
});

test('a broken certificate in a CA text', async (t) => {
  const target = await startTlsTarget(t);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const error = await failureOf(get(testClient(t, { tls: { ...NO_TLS, ca: { value: broken } } }), target));
  assert.equal(error.message, "tls-config.ca holds a certificate that can't be read");
});

test('a key that does not belong to the certificate', async (t) => {
  const target = await startTlsTarget(t);
  const tls = { ...trusted, cert: { value: authority.issue('a').cert }, key: { value: authority.issue('b').key } };
  const error = await failureOf(get(testClient(t, { tls }), target));
  assert.equal(error.code, 'TLS_CONFIG');
  assert.match(error.message, /^client certificate and key can't be used: .*mismatch/);
});

test('files are read again when they change, and connections made anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pyro-pull-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  await writeFile(file, stranger.cert);
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const target = await startTlsTarget(t);
  const client = testClient(t, { tls: { ...NO_TLS, ca: { file } } }, { clock });
  assert.equal((await failureOf(get(client, target))).code, 'TLS_CERTIFICATE');

  await writeFile(file, authority.cert);
  nowMs = 1000;
  assert.equal(textOf(await get(client, target)), 'ok');
  const { connections } = target;
  nowMs = 2000;
  await get(client, target);
  assert.equal(target.connections, connections, 'same content, same connection');

  await writeFile(file, `${authority.cert}${stranger.cert}`);
  nowMs = 3000;
  await get(client, target);
  assert.equal(target.connections, connections + 1, 'other content, another connection');

  await rm(file);
  nowMs = 4000;
  const error = await failureOf(get(client, target));
  assert.equal(error.code, 'SECRET_FILE');
  assert.equal(error.message, `can't read tls-config.ca-file ${file}: no such file`);
  await writeFile(file, authority.cert);
});
