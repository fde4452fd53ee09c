import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '../../src/http/clock.ts';
import { answers, startFakeTarget, startRawServer } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

test('gives status, text, headers in lower case, and the body', async (t) => {
  const target = await startFakeTarget(t, (_request, response) => {
    response.writeHead(201, 'Made', { 'X-Go-Pprof': '1' }).end('hello');
  });
  const response = await get(testClient(t), target);
  assert.equal(response.status, 201);
  assert.equal(response.statusText, 'Made');
  assert.equal(response.headers['x-go-pprof'], '1');
  assert.equal(textOf(response), 'hello');
});

test('joins a body that comes in pieces', async (t) => {
  const body = Buffer.from('abcdefghij');
  const target = await startFakeTarget(t, answers.drip(body, 1));
  assert.equal(textOf(await get(testClient(t), target)), 'abcdefghij');
});

test('asks for path and query as given, as itself, and for no compression', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  await get(testClient(t), target, '/debug/pprof/heap?gc=1&x=%20');
  const [request] = target.requests;
  assert.equal(request?.method, 'GET');
  assert.equal(request?.path, '/debug/pprof/heap?gc=1&x=%20');
  assert.equal(request?.headers['user-agent'], 'pyro-pull/test');
  assert.equal(request?.headers.host, target.address);
  assert.equal(request?.headers['accept-encoding'], undefined);
  assert.equal(request?.headers.connection, 'keep-alive');
});

test('sends a body with its length', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const body = Buffer.from('profile');
  await get(testClient(t), target, '/ingest', {
    method: 'POST',
    body,
    headers: { 'content-type': 'binary/octet-stream' },
  });
  const [request] = target.requests;
  assert.equal(request?.method, 'POST');
  assert.equal(request?.body, 'profile');
  assert.equal(request?.headers['content-length'], '7');
  assert.equal(request?.headers['content-type'], 'binary/octet-stream');
});

test('an answer without a body is an empty body', async (t) => {
  const target = await startFakeTarget(t, answers.status(204, ''));
  assert.equal((await get(testClient(t), target)).body.length, 0);
});

test('an informational answer before the final one is passed over', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
  });
  const statuses: number[] = [];
  const response = await get(testClient(t), target, '/', { onHeaders: ({ status }) => statuses.push(status) });
  assert.deepEqual(statuses, [200]);
  assert.equal(textOf(response), 'ok');
});

test('HTTP/1.0 without a length: the body ends with the connection', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nto the end'));
  });
  assert.equal(textOf(await get(testClient(t), target)), 'to the end');
});

test('times are those of the clocks when the request was sent, the headers came and the body ended', async (t) => {
  let ticks = 0;
  const clock: Clock = { now: () => 1_700_000_000_000 + ticks, monotonic: () => ticks };
  const target = await startFakeTarget(t, (_request, response) => {
    ticks = 70;
    response.end('x');
  });
  const timed = await get(testClient(t, {}, { clock }), target, '/', {
    onHeaders: () => {
      ticks = 75;
    },
  });
  assert.equal(timed.requestedAtMs, 1_700_000_000_000);
  assert.equal(timed.respondedAtMs, 1_700_000_000_070);
  assert.equal(timed.monotonicMs, 70);
  assert.equal(timed.durationMs, 75);
});

test('onHeaders hears of the answer before its body', async (t) => {
  const target = await startFakeTarget(t, answers.drip(Buffer.from('body'), 1));
  const seen: number[] = [];
  const response = get(testClient(t), target, '/', { onHeaders: ({ status }) => seen.push(status) });
  void response.then(() => seen.push(0));
  await response;
  await Promise.resolve();
  assert.deepEqual(seen, [200, 0]);
});

test('onData takes the body of a good answer as it comes', async (t) => {
  const target = await startFakeTarget(t, answers.drip(Buffer.from('stream'), 1));
  const pieces: string[] = [];
  const response = await get(testClient(t), target, '/', {
    onData: (chunk) => pieces.push(Buffer.from(chunk).toString()),
  });
  assert.equal(pieces.join(''), 'stream');
  assert.ok(pieces.length > 1);
  assert.equal(response.body.length, 0);
});

test('onData gets nothing of a bad answer: its text is in the body', async (t) => {
  const target = await startFakeTarget(t, answers.status(410, 'gone'));
  const pieces: Uint8Array[] = [];
  const response = await get(testClient(t), target, '/', { onData: (chunk) => pieces.push(chunk) });
  assert.equal(pieces.length, 0);
  assert.equal(textOf(response), 'gone');
});

for (const { name, answer } of [
  { name: 'with a length', answer: answers.body(Buffer.alloc(100)) },
  { name: 'in chunks', answer: answers.drip(Buffer.alloc(100), 0) },
]) {
  test(`a body of exactly the limit passes, ${name}`, async (t) => {
    const target = await startFakeTarget(t, answer);
    assert.equal((await get(testClient(t), target, '/', { maxBodyBytes: 100 })).body.length, 100);
  });

  test(`a body one byte over the limit fails, ${name}`, async (t) => {
    const target = await startFakeTarget(t, answer);
    const error = await failureOf(get(testClient(t), target, '/', { maxBodyBytes: 99 }));
    assert.equal(error.code, 'BODY_TOO_LARGE');
    assert.equal(error.message, 'body over 99 bytes');
  });
}

test('a body that is announced as too long is not waited for', async (t) => {
  const target = await startFakeTarget(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 }).flushHeaders();
  });
  const error = await failureOf(get(testClient(t), target, '/', { maxBodyBytes: 999 }));
  assert.equal(error.code, 'BODY_TOO_LARGE');
});

test('an endless body is cut at the limit, and its connection closed', async (t) => {
  const target = await startFakeTarget(t, answers.endless());
  const error = await failureOf(get(testClient(t), target, '/', { maxBodyBytes: 64 * 1024 * 1024 }));
  assert.equal(error.message, 'body over 64MiB');
  await untilClosed(target);
});

test('a signal cancels its own request only', async (t) => {
  const target = await startFakeTarget(t, { '/never': answers.never(), '/good': answers.status(200, 'ok') });
  const client = testClient(t);
  const controller = new AbortController();
  const never = get(client, target, '/never', { signal: controller.signal });
  const good = get(client, target, '/good');
  await good;
  controller.abort();
  assert.equal((await failureOf(never)).code, 'CANCELLED');
  assert.equal(textOf(await get(client, target, '/good')), 'ok');
});

test('a signal that is aborted already sends nothing', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const error = await failureOf(get(testClient(t), target, '/', { signal: AbortSignal.abort() }));
  assert.equal(error.code, 'CANCELLED');
  assert.equal(target.requests.length, 0);
});

test('one signal may stop any number of clients and requests, without a warning', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const target = await startFakeTarget(t, answers.never());
  const controller = new AbortController();
  const { signal } = controller;
  const clients = Array.from({ length: 12 }, () => testClient(t, {}, { signal }));
  const own = new AbortController();
  const requests = [
    ...clients.map((client) => get(client, target)),
    ...Array.from({ length: 12 }, () => get(testClient(t), target, '/', { signal: own.signal })),
  ].map(failureOf);
  controller.abort();
  own.abort();
  assert.deepEqual(new Set((await Promise.all(requests)).map(({ code }) => code)), new Set(['CANCELLED']));
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test('destroy cancels every request, running or waiting, and takes no more', async (t) => {
  const target = await startFakeTarget(t, answers.never());
  const client = testClient(t, {}, { maxConnectionsPerOrigin: 1 });
  const requests = [get(client, target), get(client, target), get(client, target)].map(failureOf);
  while (target.requests.length === 0) await new Promise(setImmediate);
  client.destroy();
  assert.deepEqual(
    (await Promise.all(requests)).map((error) => error.code),
    ['CANCELLED', 'CANCELLED', 'CANCELLED'],
  );
  assert.equal((await failureOf(get(client, target))).code, 'CANCELLED');
  await untilClosed(target);
});

test('close lets a running request end, through redirects, and then closes its connections', async (t) => {
  const target = await startFakeTarget(t, {
    '/': answers.late(30, answers.redirect('/moved')),
    '/moved': answers.late(30, answers.status(200, 'in time')),
  });
  const client = testClient(t);
  const running = get(client, target);
  while (target.requests.length === 0) await new Promise(setImmediate);
  client.close();
  assert.equal((await failureOf(get(client, target))).code, 'CANCELLED');
  assert.equal(textOf(await running), 'in time');
  await untilClosed(target);
});

async function untilClosed(target: { readonly openConnections: number }): Promise<void> {
  while (target.openConnections > 0) await new Promise(setImmediate);
}
