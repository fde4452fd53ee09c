import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

test('no port is given twice, and none that something listens on', async (t) => {
  const first = await freePort();
  const server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(first + 1, '127.0.0.1', resolve));
  const others = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.equal(new Set([first, first + 1, ...others]).size, 22);
});

test('a port is none of those that the system itself gives away', async (t) => {
  const port = await freePort();
  const servers = Array.from({ length: 50 }, () => createServer());
  t.after(() => servers.forEach((server) => void server.close()));
  const chosen = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(address !== null && typeof address === 'object' ? address.port : 0);
          });
        }),
    ),
  );
  assert.ok(port < Math.min(...chosen), `${port} is among ${Math.min(...chosen)} and later ones`);
});
