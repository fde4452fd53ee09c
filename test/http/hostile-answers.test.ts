import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import test from 'node:test';
import { answers, type Cleanup, type FakeTarget, startFakeTarget, startRawServer } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n';

/** Answers a request with `head`, and then with `more` for ever, as fast as it is read. */
function startFlood(t: Cleanup, head: string, more: string): Promise<FakeTarget> {
  const bytes = Buffer.from(more);
  return startRawServer(t, (socket) => {
    socket.once('data', () => {
      socket.write(head);
      flood(socket, bytes);
    });
  });
}

function flood(socket: Socket, bytes: Buffer): void {
  const fill = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', fill);
  fill();
}

const FLOODS: readonly { name: string; head: string; more: string; code: string; message: RegExp }[] = [
  {
    name: 'a chunk extension without end',
    head: `${HEAD}transfer-encoding: chunked\r\n\r\n1;`,
    more: 'a'.repeat(65_536),
    code: 'INVALID_RESPONSE',
    message: /headers, chunk extensions or trailers for 0 bytes of body/,
  },
  {
    name: 'a reason without end',
    head: 'HTTP/1.1 200 ',
    more: 'a'.repeat(65_536),
    code: 'INVALID_RESPONSE',
    message: /headers, chunk extensions or trailers for 0 bytes of body/,
  },
  {
    name: 'informational answers without end',
    head: '',
    more: 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(1000),
    code: 'INVALID_RESPONSE',
    message: /more than 20 informational answers/,
  },
  {
    name: 'trailers without end',
    head: `${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n`,
    more: `x-a: ${'b'.repeat(1000)}\r\n`.repeat(60),
    code: 'INVALID_RESPONSE',
    message: /over 16KiB/,
  },
  {
    name: 'headers without end',
    head: 'HTTP/1.1 200 OK\r\n',
    more: `x-a: ${'b'.repeat(1000)}\r\n`.repeat(60),
    code: 'INVALID_RESPONSE',
    message: /over 16KiB/,
  },
  {
    name: 'a body without end',
    head: `${HEAD}\r\n`,
    more: 'x'.repeat(65_536),
    code: 'BODY_TOO_LARGE',
    message: /over 1MiB/,
  },
  {
    name: 'chunks of one byte without end',
    head: `${HEAD}transfer-encoding: chunked\r\n\r\n`,
    more: '1\r\nx\r\n'.repeat(10_000),
    code: 'BODY_TOO_LARGE',
    message: /over 1MiB/,
  },
];

for (const { name, head, more, code, message } of FLOODS) {
  test(`${name} ends the request long before its time`, async (t) => {
    const target = await startFlood(t, head, more);
    const error = await failureOf(get(testClient(t), target, '/', { timeoutMs: 60_000 }));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    while (target.openConnections > 0) await new Promise(setImmediate);
  });
}

test('a body in chunks of one byte is whole', async (t) => {
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256));
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      const chunks = [...body].map((byte) =>
        Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]),
      );
      socket.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
    });
  });
  assert.ok(body.equals((await get(testClient(t), target)).body));
});

test('a stream gets chunks that came together in one piece', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(5000)}0\r\n\r\n`);
    });
  });
  const pieces: number[] = [];
  const response = await get(testClient(t), target, '/', { onData: (piece) => pieces.push(piece.length) });
  assert.equal(
    pieces.reduce((sum, length) => sum + length, 0),
    5000,
  );
  assert.ok(pieces.length < 20, `${pieces.length} pieces`);
  assert.equal(response.body.length, 0);
});

/** Ways in which a body may fail after its headers. */
const BROKEN_BODIES: readonly { name: string; answer: (socket: Socket, status: string) => void }[] = [
  {
    name: 'is cut',
    answer: (socket, status) => socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 100\r\n\r\nwhat came`),
  },
  {
    name: 'is too long',
    answer: (socket, status) => {
      socket.write(`HTTP/1.1 ${status}\r\n\r\nwhat came`);
      flood(socket, Buffer.alloc(65_536, 'x'));
    },
  },
  {
    name: 'never ends',
    answer: (socket, status) => socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 100\r\n\r\nwhat came`),
  },
];

for (const { name, answer } of BROKEN_BODIES) {
  const start = (t: Cleanup, status: string): Promise<FakeTarget> =>
    startRawServer(t, (socket) => socket.once('data', () => answer(socket, status)));

  test(`an error status counts although its body ${name}`, async (t) => {
    const target = await start(t, '503 Busy');
    const response = await get(testClient(t), target, '/', { timeoutMs: 300 });
    assert.equal(response.status, 503);
    assert.match(textOf(response), /^what came/);
    while (target.openConnections > 0) await new Promise(setImmediate);
  });

  test(`where the status decides, 200 counts although the body ${name}`, async (t) => {
    const target = await start(t, '200 OK');
    const request = { method: 'POST', body: 'profile', statusDecides: true, timeoutMs: 300 } as const;
    assert.equal((await get(testClient(t), target, '/', request)).status, 200);
    while (target.openConnections > 0) await new Promise(setImmediate);
  });

  test(`a redirect is followed although its body ${name}`, async (t) => {
    const goal = await startFakeTarget(t, answers.status(200, 'there'));
    const target = await start(t, `302 Found\r\nlocation: ${goal.url}/`);
    assert.equal(textOf(await get(testClient(t), target, '/', { timeoutMs: 20_000 })), 'there');
  });
}

test('where the status decides, a request that is cancelled after it is answered', async (t) => {
  const stop = new AbortController();
  const target = await startRawServer(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'));
  });
  const response = await get(testClient(t), target, '/', {
    method: 'POST',
    statusDecides: true,
    signal: stop.signal,
    onHeaders: () => stop.abort(),
  });
  assert.equal(response.status, 200);
});

test('a body without a length that is over the limit fails alone, and the client goes on', async (t) => {
  const target = await startRawServer(t, (socket) => {
    socket.on('data', (request) => {
      if (String(request).startsWith('GET /small ')) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(3000)}`);
    });
  });
  const client = testClient(t);
  assert.equal((await failureOf(get(client, target, '/', { maxBodyBytes: 1000 }))).code, 'BODY_TOO_LARGE');
  assert.equal(textOf(await get(client, target, '/small')), 'ok');
});
