import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { answers, startFakeTarget } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function originOf(socketPath: string) {
  return { scheme: 'http', hostname: `unix://${socketPath}`, port: 0, socketPath } as const;
}

async function listenOn(t: TestContext, path: string, location?: string): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location }).end();
    else response.end(`${request.url} of ${request.headers.host}`);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

test('a request goes to the socket, with the host localhost', async (t) => {
  const path = join(temporaryDirectory(t), 'a.sock');
  await listenOn(t, path);
  const client = testClient(t, {
    // A proxy could not reach it.
    proxy: { url: 'http://127.0.0.1:1', noProxy: undefined, fromEnvironment: false, connectHeaders: new Map() },
  });
  assert.equal(textOf(await get(client, { origin: originOf(path) }, '/p')), '/p of localhost');
});

test('a redirect inside the socket stays there', async (t) => {
  const path = join(temporaryDirectory(t), 'a.sock');
  await listenOn(t, path, '/here');
  assert.equal(textOf(await get(testClient(t), { origin: originOf(path) }, '/away')), '/here of localhost');
});

for (const location of ['unix:///run/docker.sock', 'http://unix:/run/docker.sock:/info', 'http+unix://%2Frun/info']) {
  test(`a redirect to ${location} leads to no socket`, async (t) => {
    const target = await startFakeTarget(t, answers.redirect(location));
    const error = await failureOf(get(testClient(t), target, '/', { timeoutMs: 2000 }));
    assert.match(error.code, /^(BAD_REDIRECT|NO_SUCH_HOST|DNS_FAILED|TIMEOUT)$/);
  });
}

test('a socket that is not there is named, with what to do', async (t) => {
  const path = join(temporaryDirectory(t), 'none.sock');
  const error = await failureOf(get(testClient(t), { origin: originOf(path) }));
  assert.equal(error.code, 'NO_SUCH_SOCKET');
  assert.equal(error.message, `no such socket: ${path}`);
  assert.match(error.hint ?? '', /start the program/);
});

test('a file that is no socket refuses', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, '');
  assert.equal((await failureOf(get(testClient(t), { origin: originOf(path) }))).code, 'CONNECTION_REFUSED');
});

test('a socket of another user is forbidden', { skip: process.getuid?.() === 0 && 'root may do all' }, async (t) => {
  const path = join(temporaryDirectory(t), 'a.sock');
  await listenOn(t, path);
  chmodSync(path, 0);
  assert.equal((await failureOf(get(testClient(t), { origin: originOf(path) }))).code, 'SOCKET_FORBIDDEN');
});
