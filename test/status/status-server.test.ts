import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { UsageError } from '../../src/errors.ts';
import {
  type Routes,
  type ServerLimits,
  type StatusServer,
  send,
  sendPieces,
  sendText,
  startStatusServer,
} from '../../src/status/status-server.ts';
import { plainRequest } from '../support/http-request.ts';

const FAR = 60_000;
const PATIENT: ServerLimits = { requestTimeoutMs: FAR, silenceTimeoutMs: FAR, keepAliveMs: FAR, maxConnections: 100 };

const ROUTES: Routes = {
  '/text': { method: 'GET', handle: (_request, response) => sendText(response, 200, 'hello') },
  '/act': { method: 'POST', handle: (_request, response) => sendText(response, 200, 'done') },
  '/below/': { method: 'GET', handle: (_request, response, url) => sendText(response, 200, url.pathname) },
  '/fault': { method: 'GET', handle: () => Promise.reject(new Error('secret detail')) },
  '/large': {
    method: 'GET',
    handle: (_request, response) => send(response, 200, 'text/plain', Buffer.alloc(64 << 20)),
  },
  '/pieces': {
    method: 'GET',
    handle: (_request, response) => sendPieces(response, 'text/plain', endlessPieces()),
  },
  '/never': { method: 'GET', handle: () => {} },
};

let piecesMade = 0;
function* endlessPieces(): Generator<string> {
  for (;;) {
    piecesMade += 1;
    yield 'x'.repeat(10_000);
  }
}

async function start(t: TestContext, limits: Partial<ServerLimits> = {}) {
  const faults: unknown[] = [];
  const server = await startStatusServer({ host: '127.0.0.1', port: 0 }, ROUTES, {
    onFault: (error) => void faults.push(error),
    limits: { ...PATIENT, ...limits },
  });
  t.after(() => server.close());
  return { server, port: server.address.port, faults };
}

/** Resolves when the server has closed the connection. */
async function untilClosed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

for (const { method, path, status, text } of [
  { method: 'GET', path: '/text', status: 200, text: 'hello\n' },
  { method: 'HEAD', path: '/text', status: 200, text: '' },
  { method: 'GET', path: '/text?filter=%zz', status: 200, text: 'hello\n' },
  { method: 'GET', path: '/below/a/b', status: 200, text: '/below/a/b\n' },
  { method: 'POST', path: '/act', status: 200, text: 'done\n' },
  { method: 'GET', path: '/act', status: 405, text: 'POST only\n' },
  { method: 'POST', path: '/text', status: 405, text: 'GET only\n' },
  { method: 'OPTIONS', path: '/text', status: 405, text: 'GET only\n' },
  { method: 'GET', path: '/', status: 404, text: 'not found\n' },
  { method: 'GET', path: '/constructor', status: 404, text: 'not found\n' },
  { method: 'GET', path: '/text/', status: 404, text: 'not found\n' },
  { method: 'GET', path: 'http://evil.example/text', status: 400, text: 'not a path\n' },
]) {
  test(`${method} ${path} gives ${status}`, async (t) => {
    const { port } = await start(t);
    const answer = await plainRequest(port, path, { method });
    assert.equal(answer.status, status);
    assert.equal(answer.text, text);
  });
}

test('every answer says what a browser must not do with it', async (t) => {
  const { port } = await start(t);
  for (const path of ['/text', '/none']) {
    const { headers } = await plainRequest(port, path);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
});

test('a request under a foreign name is refused before its route runs', async (t) => {
  const { port } = await start(t);
  assert.equal((await plainRequest(port, '/text', { headers: { host: 'evil.example' } })).status, 421);
  assert.equal(
    (await plainRequest(port, '/act', { method: 'POST', headers: { origin: 'https://evil.example' } })).status,
    403,
  );
});

test('a fault is told to us, not to the client', async (t) => {
  const { port, faults } = await start(t);
  const answer = await plainRequest(port, '/fault');
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.text, /secret/);
  assert.match(String(faults[0]), /secret detail/);
});

test('a body is not read: the connection ends with the answer', async (t) => {
  const { port } = await start(t);
  const answer = await plainRequest(port, '/act', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['connection'], 'close');
});

test('who sends a request too slowly is cut off', async (t) => {
  const { port } = await start(t, { requestTimeoutMs: 50 });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /text HTTP/1.1\r\nHost: localhost\r\n');
  socket.resume();
  await untilClosed(socket);
});

test('who does not read a large answer is cut off', async (t) => {
  const { port } = await start(t, { silenceTimeoutMs: 50 });
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const reset = new Promise<void>((resolve) => socket.once('error', () => resolve()));
  // A paused socket is told of the end only when it has read what the kernel holds.
  setTimeout(() => socket.resume(), 500);
  await Promise.race([reset, untilClosed(socket)]);
  assert.ok(socket.bytesRead < 64 << 20);
});

test('an answer in pieces is made no faster than it is read, and no further than it is wanted', async (t) => {
  const { port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write('GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const settled = async () => {
    for (
      let before = -1;
      before !== piecesMade || before === 0;
      await new Promise((resolve) => setTimeout(resolve, 200))
    ) {
      before = piecesMade;
    }
    return piecesMade;
  };
  const made = await settled();
  assert.ok(made > 0 && made < 2000, `${made} pieces for a client that reads none`);
  socket.destroy();
  assert.equal(await settled(), made);
});

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return socket;
}

test('many idle connections keep nobody out, and are no more than allowed', async (t) => {
  const { port } = await start(t, { maxConnections: 5 });
  const idle = await Promise.all(Array.from({ length: 50 }, () => connected(port)));
  t.after(() => {
    for (const socket of idle) socket.destroy();
  });
  assert.equal((await plainRequest(port, '/text')).status, 200);
  await Promise.all(idle.slice(0, 45).map((socket) => socket.destroyed || untilClosed(socket)));
});

test('a connection that is being answered stays while there is one that sends no request', async (t) => {
  const { port } = await start(t, { maxConnections: 2 });
  const answered = await connected(port);
  answered.write('GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await new Promise((resolve) => answered.once('readable', resolve));
  const silent = await connected(port);
  const closed = untilClosed(silent);
  assert.equal((await plainRequest(port, '/text')).status, 200);
  await closed;
  assert.equal(answered.destroyed, false);
  answered.destroy();
});

test('connections that are all being answered keep nobody out either', async (t) => {
  const { port } = await start(t, { maxConnections: 2 });
  for (let i = 0; i < 2; i++) {
    const socket = await connected(port);
    t.after(() => socket.destroy());
    socket.write('GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n');
  }
  assert.equal((await plainRequest(port, '/text')).status, 200);
});

test('closing cuts off an answer that does not come to an end', async (t) => {
  const { server, port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await new Promise((resolve) => socket.once('connect', resolve));
  await Promise.all([server.close(), untilClosed(socket)]);
});

test('a port that is taken is told with what to do', async (t) => {
  const { port } = await start(t);
  await rejects(startStatusServer({ host: '127.0.0.1', port }, ROUTES, { onFault: () => {} }), /listens there already/);
});

test('an address that this machine has not got is told', async () => {
  const wanted = { host: '192.0.2.1', port: 0 };
  await rejects(
    startStatusServer(wanted, ROUTES, { onFault: () => {} }),
    /--listen 192\.0\.2\.1:0: this machine does not/,
  );
});

async function rejects(starting: Promise<StatusServer>, message: RegExp): Promise<void> {
  await assert.rejects(starting, (error: unknown) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  });
}
