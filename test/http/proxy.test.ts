import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import test from 'node:test';
import type { ProxyConfig } from '../../src/config/http-client-config.ts';
import { createAuthority } from '../support/certificates.ts';
import { answers, type Cleanup, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

const authority = createAuthority();

interface FakeProxy {
  readonly url: string;
  readonly address: string;
  /** `GET http://host:port/path` or `CONNECT host:port`, each with its headers. */
  readonly requests: readonly { readonly line: string; readonly headers: Readonly<Record<string, unknown>> }[];
}

/** A forward proxy that takes every host name for 127.0.0.1, so that tests can use names that don't exist. */
async function startFakeProxy(t: Cleanup, refusal?: { status: number; text: string }): Promise<FakeProxy> {
  const requests: { line: string; headers: Readonly<Record<string, unknown>> }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '');
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    const { host: _host, ...headers } = request.headers;
    httpRequest(
      { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      },
    )
      .on('error', () => response.writeHead(502).end())
      .end();
  });
  server.on('connect', (request, socket: Socket) => {
    requests.push({ line: `CONNECT ${request.url}`, headers: request.headers });
    if (refusal) {
      socket.end(`HTTP/1.1 ${refusal.status} ${refusal.text}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(request.url?.replace(/.*:/, '')), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => end.destroy()).on('close', () => (end === socket ? upstream : socket).destroy());
    }
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const address = `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`;
  return { url: `http://${address}`, address, requests };
}

function through(url: string | undefined, more: Partial<ProxyConfig> = {}): { proxy: ProxyConfig } {
  return { proxy: { url, fromEnvironment: false, noProxy: undefined, connectHeaders: new Map(), ...more } };
}

const tls = {
  ca: { value: authority.cert },
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
  minVersion: undefined,
  maxVersion: undefined,
};

test('a plain target is asked for by its whole URL, for loopback too', async (t) => {
  const proxy = await startFakeProxy(t);
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t, through(proxy.url));
  assert.equal(textOf(await get(client, target, '/debug/pprof/heap?x=1')), 'ok');
  assert.equal(proxy.requests[0]?.line, `GET ${target.url}/debug/pprof/heap?x=1`);
  assert.equal(proxy.requests[0]?.headers['host'], target.address);
  assert.equal(target.requests[0]?.path, '/debug/pprof/heap?x=1');
});

test('a TLS target is reached by CONNECT, and its certificate checked', async (t) => {
  const proxy = await startFakeProxy(t);
  const target = await startFakeTarget(t, answers.status(200, 'ok'), {
    tls: authority.issue('t', { hosts: ['shop.example'] }),
  });
  const origin = { ...target.origin, hostname: 'shop.example' };
  const client = testClient(t, { ...through(proxy.url), tls });
  assert.equal(textOf(await get(client, { origin })), 'ok');
  assert.equal(textOf(await get(client, { origin })), 'ok');
  assert.deepEqual(
    proxy.requests.map(({ line }) => line),
    [`CONNECT shop.example:${origin.port}`],
  );
  const error = await failureOf(get(client, { origin: { ...origin, hostname: 'other.example' } }));
  assert.equal(error.message, `TLS: certificate is for shop.example, not for other.example:${origin.port}`);
});

test('the proxy itself may speak TLS', async (t) => {
  const inner = await startFakeProxy(t);
  const { cert, key } = authority.issue('p', { hosts: ['127.0.0.1'] });
  const outer = await startTlsFront(t, { cert, key }, Number(inner.address.replace(/.*:/, '')));
  const plain = await startFakeTarget(t, answers.status(200, 'plain'));
  const secure = await startFakeTarget(t, answers.status(200, 'secure'), {
    tls: authority.issue('t', { hosts: ['127.0.0.1'] }),
  });
  const client = testClient(t, { ...through(outer), tls });
  assert.equal(textOf(await get(client, plain)), 'plain');
  assert.equal(textOf(await get(client, secure)), 'secure');
  const error = await failureOf(get(testClient(t, through(outer)), secure));
  assert.equal(error.message, `proxy ${outer.slice(8)}: TLS: certificate signed by unknown authority`);
});

test('user and password of the proxy URL go to the proxy only', async (t) => {
  const proxy = await startFakeProxy(t);
  const url = `http://us%65r:p%40ss@${proxy.address}`;
  const plain = await startFakeTarget(t, answers.status(200, 'ok'));
  const secure = await startFakeTarget(t, answers.status(200, 'ok'), {
    tls: authority.issue('t', { hosts: ['127.0.0.1'] }),
  });
  const client = testClient(t, { ...through(url), tls });
  await get(client, plain);
  await get(client, secure);
  const expected = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  assert.deepEqual(
    proxy.requests.map(({ headers }) => headers['proxy-authorization']),
    [expected, expected],
  );
  assert.equal(secure.requests[0]?.headers['proxy-authorization'], undefined);
});

test('proxy-connect-header goes into CONNECT only', async (t) => {
  const proxy = await startFakeProxy(t);
  const connectHeaders = new Map([['X-Route', [{ value: 'a' }]]]);
  const plain = await startFakeTarget(t, answers.status(200, 'ok'));
  const secure = await startFakeTarget(t, answers.status(200, 'ok'), {
    tls: authority.issue('t', { hosts: ['127.0.0.1'] }),
  });
  const client = testClient(t, { ...through(proxy.url, { connectHeaders }), tls });
  await get(client, plain);
  await get(client, secure);
  assert.deepEqual(
    proxy.requests.map(({ headers }) => headers['x-route']),
    [undefined, 'a'],
  );
  assert.equal(secure.requests[0]?.headers['x-route'], undefined);
});

test('no-proxy keeps hosts off the proxy', async (t) => {
  const proxy = await startFakeProxy(t);
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t, through(proxy.url, { noProxy: 'shop.example' }));
  await get(client, target); // loopback, with a no-proxy list
  assert.equal(proxy.requests.length, 0);
  await get(client, { origin: { ...target.origin, hostname: 'other.example' } });
  assert.equal(proxy.requests.length, 1);
});

const environments = [
  { name: 'HTTP_PROXY', environment: (url: string) => ({ HTTP_PROXY: url }), isUsed: true },
  { name: 'http_proxy', environment: (url: string) => ({ http_proxy: url }), isUsed: true },
  { name: 'HTTP_PROXY without a scheme', environment: (url: string) => ({ HTTP_PROXY: url.slice(7) }), isUsed: true },
  { name: 'HTTPS_PROXY', environment: (url: string) => ({ HTTPS_PROXY: url }), isUsed: false },
  { name: 'NO_PROXY', environment: (url: string) => ({ HTTP_PROXY: url, NO_PROXY: '.example' }), isUsed: false },
  { name: 'a CGI program', environment: (url: string) => ({ HTTP_PROXY: url, REQUEST_METHOD: 'GET' }), isUsed: false },
];
for (const { name, environment, isUsed } of environments) {
  test(`proxy-from-environment, ${name}: ${isUsed ? 'proxy' : 'no proxy'}`, async (t) => {
    const proxy = await startFakeProxy(t);
    const target = await startFakeTarget(t, answers.status(200, 'ok'));
    const config = through(undefined, { fromEnvironment: true });
    const client = testClient(t, config, { environment: environment(proxy.url) });
    const origin = { ...target.origin, hostname: 'shop.example' };
    if (isUsed) assert.equal(textOf(await get(client, { origin })), 'ok');
    else await failureOf(get(client, { origin }));
    assert.equal(proxy.requests.length, isUsed ? 1 : 0);
  });
}

test('the environment is not looked at otherwise', async (t) => {
  const proxy = await startFakeProxy(t);
  const target = await startFakeTarget(t, answers.status(200, 'ok'));
  const client = testClient(t, {}, { environment: { HTTP_PROXY: proxy.url } });
  await failureOf(get(client, { origin: { ...target.origin, hostname: 'shop.invalid' } }));
  assert.equal(proxy.requests.length, 0);
});

test('a proxy that refuses CONNECT is named, its password not', async (t) => {
  const proxy = await startFakeProxy(t, { status: 407, text: 'Proxy Authentication Required' });
  const origin = { scheme: 'https', hostname: 'shop.example', port: 443 } as const;
  const error = await failureOf(get(testClient(t, through(`http://u:hidden@${proxy.address}`)), { origin }));
  assert.equal(error.code, 'PROXY_REFUSED');
  assert.equal(error.message, `proxy ${proxy.address} refused CONNECT: HTTP 407 Proxy Authentication Required`);
  assert.equal(error.hint, 'put user:password into proxy-url, or set proxy-connect-header');
});

for (const scheme of ['http', 'https'] as const) {
  test(`a proxy that is down is named, for ${scheme}`, async (t) => {
    const port = await freePort();
    const origin = { scheme, hostname: 'shop.example', port: 6060 };
    const error = await failureOf(get(testClient(t, through(`http://127.0.0.1:${port}`)), { origin }));
    assert.equal(error.code, 'CONNECTION_REFUSED');
    assert.equal(error.message, `proxy 127.0.0.1:${port}: connection refused`);
  });
}

test('a SOCKS proxy is refused in clear words', async (t) => {
  const origin = { scheme: 'http', hostname: 'shop.example', port: 6060 } as const;
  const error = await failureOf(get(testClient(t, through('socks5://u:hidden@proxy:1080')), { origin }));
  assert.equal(error.code, 'PROXY_URL');
  assert.equal(error.message, 'proxy URL "socks5://u:xxxxx@proxy:1080" can\'t be used');
});

/** Ends TLS and passes the bytes on. */
async function startTlsFront(t: Cleanup, tlsOptions: { cert: string; key: string }, port: number): Promise<string> {
  const { createServer: createTlsServer } = await import('node:tls');
  const sockets = new Set<Socket>();
  const server = createTlsServer(tlsOptions, (socket) => {
    const upstream = connect(port, '127.0.0.1');
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => end.destroy()).on('close', () => (end === socket ? upstream : socket).destroy());
    }
    socket.pipe(upstream).pipe(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return `https://127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`;
}
