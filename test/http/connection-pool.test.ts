import assert from 'node:assert/strict';
import test from 'node:test';
import { SYSTEM_CLOCK } from '../../src/http/clock.ts';
import { ConnectionPool } from '../../src/http/connection-pool.ts';
import { Exchange } from '../../src/http/exchange.ts';
import { ReadAllowance } from '../../src/http/read-allowance.ts';
import type { HttpResponse } from '../../src/http/response.ts';
import { TlsSettings } from '../../src/http/tls-settings.ts';
import { answers, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';

const tls = new TlsSettings(undefined, { ca: undefined, cert: undefined, key: undefined });

function send(pool: ConnectionPool, origin: FakeTarget['origin'], timeoutMs = 5000): Promise<HttpResponse> {
  const exchange = new Exchange(
    {
      method: 'GET',
      path: '/',
      headers: [],
      body: undefined,
      remainingMs: timeoutMs,
      timeoutMs,
      maxBodyBytes: 1000,
      allowance: new ReadAllowance(1000, SYSTEM_CLOCK),
      statusDecides: false,
      isHeld: false,
      signal: undefined,
      onHeaders: undefined,
      onData: undefined,
      isFinal: () => true,
    },
    SYSTEM_CLOCK,
  );
  pool.run({ origin, tls, proxy: undefined }, exchange);
  return exchange.response;
}

test('an origin is forgotten when its last connection closes', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const pool = new ConnectionPool({ maxPerOrigin: 2, keepAliveMs: 20 });
  await Promise.all([send(pool, target.origin), send(pool, target.origin), send(pool, target.origin)]);
  assert.equal(pool.origins, 1);
  while (target.openConnections > 0) await new Promise(setImmediate);
  assert.equal(pool.origins, 0);
});

test('an origin is forgotten when its requests fail', async (t) => {
  const pool = new ConnectionPool({ maxPerOrigin: 1, keepAliveMs: 1000 });
  const port = await freePort();
  const refused = { scheme: 'http', hostname: '127.0.0.1', port } as const;
  await Promise.allSettled([send(pool, refused), send(pool, refused)]);
  assert.equal(pool.origins, 0);
  const silent = await startFakeTarget(t, answers.never());
  await Promise.allSettled([send(pool, silent.origin, 20), send(pool, silent.origin, 10)]);
  assert.equal(pool.origins, 0);
});
