import assert from 'node:assert/strict';
import test from 'node:test';
import { type Answer, answers, startFakeTarget, startRawServer } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

test('a second request uses the connection of the first', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t);
  await get(client, target);
  await get(client, target);
  assert.equal(target.connections, 1);
});

test('an idle connection is kept for five minutes, longer than most scrape intervals', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t);
  await get(client, target);
  await new Promise(setImmediate);
  t.mock.timers.tick(299_000);
  await get(client, target);
  assert.equal(target.connections, 1);
  await new Promise(setImmediate);
  t.mock.timers.tick(300_000);
  await until(() => target.openConnections === 0);
});

test('an idle connection closes after keepAliveMs', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t, {}, { keepAliveMs: 20 });
  await get(client, target);
  while (target.openConnections > 0) await new Promise(setImmediate);
  await get(client, target);
  assert.equal(target.connections, 2);
});

test('a slow request does not hold up another to the same host', async (t) => {
  const target = await startFakeTarget(t, { '/slow': answers.never(), '/fast': answers.status(200, 'ok') });
  const client = testClient(t);
  const slow = failureOf(get(client, target, '/slow', { timeoutMs: 200 }));
  assert.equal(textOf(await get(client, target, '/fast')), 'ok');
  assert.equal((await slow).code, 'TIMEOUT');
});

test('at most maxConnectionsPerOrigin requests run at once, first come first served', async (t) => {
  const running: (() => void)[] = [];
  const order: string[] = [];
  const hold: Answer = (request, response) => {
    order.push(request.url ?? '');
    running.push(() => response.end('ok'));
  };
  const target = await startFakeTarget(t, hold);
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 2 });
  const all = ['/1', '/2', '/3', '/4'].map((path) => get(client, target, path));
  await until(() => running.length === 2);
  assert.equal(target.connections, 2);
  while (running.length > 0) {
    running.shift()?.();
    await until(() => running.length === 2 || order.length === 4);
  }
  await Promise.all(all);
  assert.deepEqual(order.toSorted(), ['/1', '/2', '/3', '/4']);
  assert.deepEqual(order.slice(2), ['/3', '/4']);
  assert.equal(target.connections, 2);
});

test('held requests do not count against that bound', async (t) => {
  const target = await startFakeTarget(t, { '/held': answers.never(), '/plain': answers.status(200, 'ok') });
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 1 });
  const held = [1, 2, 3].map(() => failureOf(get(client, target, '/held', { isHeld: true })));
  await until(() => target.requests.length === 3);
  assert.equal(textOf(await get(client, target, '/plain')), 'ok');
  client.destroy();
  await Promise.all(held);
});

test('held requests are not bound by it', async (t) => {
  const target = await startFakeTarget(t, { '/slow': answers.never(), '/held': answers.status(200, 'ok') });
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 1 });
  const slow = failureOf(get(client, target, '/slow'));
  assert.equal(textOf(await get(client, target, '/held', { isHeld: true })), 'ok');
  client.destroy();
  await slow;
});

test('a request that waits too long for a connection says so', async (t) => {
  const target = await startFakeTarget(t, answers.never());
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 1 });
  const first = failureOf(get(client, target));
  const error = await failureOf(get(client, target, '/', { timeoutMs: 30 }));
  assert.equal(error.message, 'timeout after 30ms while waiting for a free connection to the host');
  client.destroy();
  await first;
});

test('after a timeout the next request gets a new connection', async (t) => {
  const target = await startFakeTarget(t, { '/never': answers.never(), '/good': answers.status(200, 'ok') });
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 1 });
  const late = failureOf(get(client, target, '/never', { timeoutMs: 30 }));
  const waiting = get(client, target, '/good');
  assert.equal((await late).code, 'TIMEOUT');
  assert.equal(textOf(await waiting), 'ok');
});

test('a kept connection that the target closes as it is used is replaced without a word', async (t) => {
  // Each connection answers one request and closes at the second, as at the end of an idle timeout.
  let served = 0;
  const target = await startRawServer(t, (socket) => {
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      if (requests > 1) socket.destroy();
      else {
        served += 1;
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      }
    });
  });
  const client = testClient(t);
  assert.equal(textOf(await get(client, target)), 'ok');
  assert.equal(textOf(await get(client, target)), 'ok');
  assert.equal(served, 2);
  assert.equal(target.connections, 2);
});

test('a POST over such a connection is not sent twice', async (t) => {
  let requests = 0;
  const target = await startRawServer(t, (socket) => {
    let first = true;
    socket.on('data', () => {
      requests += 1;
      if (first) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else socket.destroy();
      first = false;
    });
  });
  const client = testClient(t);
  await get(client, target, '/', { method: 'POST', body: 'a' });
  const error = await failureOf(get(client, target, '/', { method: 'POST', body: 'b' }));
  assert.match(error.code, /^CONNECTION_(CLOSED|RESET)$/);
  assert.equal(requests, 2);
});

test('a new connection that is closed without an answer is not tried again', async (t) => {
  const target = await startRawServer(t, (socket) => socket.once('data', () => socket.end()));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'CONNECTION_CLOSED');
  assert.equal(target.connections, 1);
});

test('an answer with Connection: close is good, and the next request connects anew', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok', { connection: 'close' }));
  const client = testClient(t);
  await get(client, target);
  await get(client, target);
  assert.equal(target.connections, 2);
});

test('many requests at once over few connections all end', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 4 });
  const responses = await Promise.all(Array.from({ length: 200 }, () => get(client, target)));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.ok(target.connections <= 4);
});

test('IPv6 addresses work, with their host in brackets', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'), { host: '::1' });
  assert.equal(textOf(await get(testClient(t), target)), 'ok');
  assert.equal(target.requests[0]?.headers.host, `[::1]:${target.origin.port}`);
});

test('an IPv6 zone is dialled and left out of the Host header', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'), { host: '::1' });
  const zoned = { origin: { ...target.origin, hostname: '::1%lo' } };
  assert.equal(textOf(await get(testClient(t), zoned)), 'ok');
  assert.equal(target.requests[0]?.headers.host, `[::1]:${target.origin.port}`);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
