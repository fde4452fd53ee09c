import assert from 'node:assert/strict';
import test from 'node:test';
import { describeFailure } from '../../src/http/describe-failure.ts';
import { answers, startFakeTarget, startRawServer } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { failureOf, get, testClient } from '../support/http-client.ts';

const origin = { scheme: 'http', hostname: 'shop', port: 6060 } as const;

test('nothing listens', async (t) => {
  const port = await freePort();
  const error = await failureOf(get(testClient(t), { origin: { scheme: 'http', hostname: '127.0.0.1', port } }));
  assert.equal(error.code, 'CONNECTION_REFUSED');
  assert.equal(error.message, 'connection refused');
  assert.equal(error.hint, `nothing listens on port ${port}`);
});

test('nothing listens on any address of a name', async (t) => {
  const port = await freePort();
  const error = await failureOf(get(testClient(t), { origin: { scheme: 'http', hostname: 'localhost', port } }));
  assert.equal(error.message, 'connection refused');
});

test('no such host', async (t) => {
  const error = await failureOf(get(testClient(t), { origin: { ...origin, hostname: 'nowhere.invalid' } }));
  // Without a resolver the answer is EAI_AGAIN.
  assert.match(error.code, /^(NO_SUCH_HOST|DNS_FAILED)$/);
  assert.match(error.message, /nowhere\.invalid/);
});

test('no headers in time', async (t) => {
  const target = await startFakeTarget(t, answers.never());
  const error = await failureOf(get(testClient(t), target, '/', { timeoutMs: 50 }));
  assert.equal(error.code, 'TIMEOUT');
  assert.equal(error.message, 'timeout after 50ms while waiting for headers');
});

test('a timed-out request closes its connection, which stops what the target is doing for it', async (t) => {
  const target = await startFakeTarget(t, answers.never());
  await failureOf(get(testClient(t), target, '/', { timeoutMs: 30 }));
  while (target.openConnections > 0) await new Promise(setImmediate);
});

test('a body that drips is cut at the same deadline', async (t) => {
  const target = await startFakeTarget(t, answers.drip(Buffer.alloc(1000), 10));
  const error = await failureOf(get(testClient(t), target, '/', { timeoutMs: 100 }));
  assert.match(error.message, /^timeout after 100ms in the body, after \d+ bytes$/);
});

test('a TLS handshake that is not answered', async (t) => {
  const target = await startRawServer(t, () => {});
  const secure = { origin: { ...target.origin, scheme: 'https' as const } };
  const error = await failureOf(get(testClient(t), secure, '/', { timeoutMs: 500 }));
  assert.equal(error.message, 'timeout after 500ms during the TLS handshake');
});

test('the connection ends in the middle of the body', async (t) => {
  const target = await startFakeTarget(t, answers.cutOff(Buffer.alloc(1000), 500));
  const error = await failureOf(get(testClient(t), target));
  assert.match(error.code, /^CONNECTION_(CLOSED|RESET)$/);
  assert.match(error.message, /^body ends early: connection (closed|reset) in the middle of it$/);
});

test('the connection ends in the middle of a chunked body', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel'));
  });
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.message, 'body ends early: connection closed in the middle of it');
});

test('the connection is closed without an answer', async (t) => {
  const target = await startRawServer(t, (socket) => socket.once('data', () => socket.end()));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'CONNECTION_CLOSED');
  assert.equal(error.message, 'connection closed without an answer');
  assert.equal(error.hint, 'if the target speaks TLS, set scheme: https');
});

test('the connection is reset', async (t) => {
  const target = await startRawServer(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'CONNECTION_RESET');
  assert.equal(error.message, 'connection reset without an answer');
});

test('the answer is not HTTP', async (t) => {
  const target = await startRawServer(t, (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'INVALID_RESPONSE');
  assert.equal(error.message, 'the answer is not HTTP/1');
  assert.equal(error.hint, `check what listens on port ${target.origin.port}`);
});

test('a TLS alert in answer to plain HTTP', async (t) => {
  const alert = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]);
  const target = await startRawServer(t, (socket) => socket.once('data', () => socket.end(alert)));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'TLS_EXPECTED');
  assert.equal(error.hint, 'set scheme: https');
});

test('too many headers', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`));
  });
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.message, 'response headers are over 16KiB');
});

test('a header value with a line break names the header and not the value', async (t) => {
  const target = await startFakeTarget(t, answers.status(200, ''));
  const config = { authorization: { type: 'Bearer', credentials: { value: 'top\nsecret' } } };
  const error = await failureOf(get(testClient(t, config), target));
  assert.equal(error.code, 'INVALID_HEADER');
  assert.equal(error.message, 'the value of header authorization holds a character that no header may hold');
  assert.doesNotMatch(String(error.cause), /secret/);
});

function systemError(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

const rows = [
  { failure: systemError('ENOTFOUND'), code: 'NO_SUCH_HOST', message: 'no such host: shop' },
  {
    failure: systemError('EAI_AGAIN'),
    code: 'DNS_FAILED',
    message: 'DNS lookup of shop failed: name server gave no answer (EAI_AGAIN)',
  },
  { failure: systemError('EHOSTUNREACH'), code: 'UNREACHABLE', message: 'no route to host' },
  { failure: systemError('ENETUNREACH'), code: 'UNREACHABLE', message: 'network is unreachable' },
  { failure: systemError('ETIMEDOUT'), code: 'TIMEOUT', message: 'timeout of the operating system while connecting' },
  { failure: systemError('EMFILE'), code: 'TOO_MANY_OPEN_FILES', message: 'too many open files' },
  {
    failure: new AggregateError([systemError('ENETUNREACH'), systemError('ECONNREFUSED')]),
    code: 'CONNECTION_REFUSED',
    message: 'connection refused',
  },
  {
    failure: systemError('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'),
    code: 'CONNECTION_CLOSED',
    message: 'body ends early: the connection was closed in the middle of it',
  },
  { failure: systemError('EWHATEVER', 'odd thing'), code: 'REQUEST_FAILED', message: 'odd thing' },
];
for (const { failure, code, message } of rows) {
  test(`${failure instanceof AggregateError ? 'the last of several addresses' : failure.message} is said as: ${message}`, () => {
    const error = describeFailure(failure, origin, 'connecting');
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.equal(error.cause, failure);
  });
}
