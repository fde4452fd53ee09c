import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createRawServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';

/** What a test context offers for cleaning up. */
export interface Cleanup {
  after(fn: () => Promise<void> | void): void;
}

export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value … as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** A server on a free port of 127.0.0.1 that closes when the test ends. */
export interface FakeTarget {
  readonly origin: { readonly scheme: 'http' | 'https'; readonly hostname: string; readonly port: number };
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly requests: readonly RecordedRequest[];
  /** How many connections were made to it so far. */
  readonly connections: number;
  /** How many of them are open. */
  readonly openConnections: number;
  /** Closes all connections and stops listening; called by itself at the end of the test. */
  close(): Promise<void>;
  /** Closes the connections that are open, and goes on listening. */
  dropConnections(): void;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeTargetOptions {
  readonly tls?: TlsOptions;
  readonly host?: string;
}

/** Answers every request with `answer`, or with that of its path (without query); 404 for other paths. */
export async function startFakeTarget(
  test: Cleanup,
  answer: Answer | Readonly<Record<string, Answer>>,
  options: FakeTargetOptions = {},
): Promise<FakeTarget> {
  const requests: RecordedRequest[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      requests.push({ method, path: url, headers, rawHeaders, body: Buffer.concat(chunks).toString() });
      const chosen = typeof answer === 'function' ? answer : answer[url.replace(/\?.*$/, '')];
      (chosen ?? answers.status(404, '404 page not found\n'))(request, response);
    });
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.keepAliveTimeout = 0;
  return listen(test, server, options.tls ? 'https' : 'http', requests, options.host);
}

/** For answers that are no HTTP: gets each socket as it connects. */
export async function startRawServer(test: Cleanup, onSocket: (socket: Socket) => void): Promise<FakeTarget> {
  const server = createRawServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return listen(test, server, 'http', []);
}

async function listen(
  test: Cleanup,
  server: Server,
  scheme: 'http' | 'https',
  requests: readonly RecordedRequest[],
  host = '127.0.0.1',
): Promise<FakeTarget> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const port = portOf(server);
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const target: FakeTarget = {
    origin: { scheme, hostname: host, port },
    url: `${scheme}://${address}`,
    address,
    requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    dropConnections() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      target.dropConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  test.after(() => target.close());
  return target;
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}

/** What targets do, well and badly. */
export const answers = {
  /** As net/http/pprof answers: octet-stream, without Content-Encoding. */
  profile: (body: Uint8Array): Answer => answers.body(body, { 'content-type': 'application/octet-stream' }),

  body:
    (body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}, status = 200): Answer =>
    (_request, response) => {
      response.writeHead(status, headers).end(body);
    },

  status: (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer =>
    answers.body(text, { 'content-type': 'text/plain; charset=utf-8', ...headers }, status),

  /** An error of net/http/pprof itself. */
  pprofError: (status: number, text: string): Answer => answers.status(status, `${text}\n`, { 'x-go-pprof': '1' }),

  redirect: (location: string, status = 302): Answer => answers.status(status, 'moved', { location }),

  /** Takes the request and says nothing. */
  never: (): Answer => () => {},

  /** Headers come only after a while, as those of a profile with `seconds`. */
  late:
    (afterMs: number, then: Answer): Answer =>
    (request, response) => {
      const timer = setTimeout(() => then(request, response), afterMs);
      response.on('close', () => clearTimeout(timer));
    },

  /** Headers at once, then the body byte by byte, without a Content-Length. */
  drip:
    (body: Uint8Array, everyMs: number): Answer =>
    (_request, response) => {
      let sent = 0;
      response.writeHead(200).flushHeaders();
      const timer = setInterval(() => {
        if (sent < body.length) response.write(body.subarray(sent, ++sent));
        else {
          clearInterval(timer);
          response.end();
        }
      }, everyMs);
      response.on('close', () => clearInterval(timer));
    },

  /** Sends the first part of a body with the length of the whole, then closes the connection. */
  cutOff:
    (body: Uint8Array, sentBytes: number): Answer =>
    (_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, sentBytes), () => response.destroy());
    },

  /** A body without a length that goes on for ever. */
  endless: (): Answer => (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const chunk = Buffer.alloc(16 * 1024, 1);
    const write = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', write);
    write();
  },
};
