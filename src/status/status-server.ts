import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, UsageError } from '../errors.ts';
import { plainText } from '../safe-text/laid-out.ts';
import { makeRoom } from './connection-room.ts';
import { formatListenAddress, type ListenAddress } from './listen-address.ts';
import { isLoopbackAddress, refusalOf } from './request-guard.ts';

/** Answers one request; what it rejects with is told as a 500. */
export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

export interface Route {
  /** `GET` stands for HEAD too. */
  readonly method: 'GET' | 'POST';
  /** A page for people, which another site may have a link to. It must have no effect and cost next to nothing. */
  readonly isPage?: boolean;
  readonly handle: Handler;
}

/** By path; one that ends in `/` is for everything below it. */
export type Routes = Readonly<Record<string, Route>>;

export interface StatusServer {
  /** Of the socket: the real port where any free one was asked for. */
  readonly address: ListenAddress;
  /** What is being answered may end, for a second at most. */
  close(): Promise<void>;
}

/** What keeps slow clients, and very many, from holding memory for ever. */
export interface ServerLimits {
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** Without taking any of its answer. */
  readonly silenceTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** Each can hold one answer in memory that it does not read. One more takes the place of an old one. */
  readonly maxConnections: number;
}

const LIMITS: ServerLimits = {
  requestTimeoutMs: 10_000,
  silenceTimeoutMs: 30_000,
  keepAliveMs: 130_000, // over two of Prometheus's default scrape intervals, so that its connection is kept
  maxConnections: 256,
};
const CLOSE_MS = 1000;

/** Every answer; only the page may load anything at all, and only from here. */
const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
} as const;

export interface StatusServerOptions {
  /** What a handler rejected with; the client sees none of it. */
  readonly onFault: (error: unknown) => void;
  readonly limits?: ServerLimits;
}

/** Listens and answers. Rejects with a UsageError where the address can't be had. */
export async function startStatusServer(
  wanted: ListenAddress,
  routes: Routes,
  { onFault, limits = LIMITS }: StatusServerOptions,
): Promise<StatusServer> {
  const { requestTimeoutMs, silenceTimeoutMs, keepAliveMs, maxConnections } = limits;
  const server = createServer({
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
  });
  server.timeout = silenceTimeoutMs;
  makeRoom(server, maxConnections);
  const address = await listen(server, wanted);
  const isOnLoopback = isLoopbackAddress(address.host);
  server.on('request', (request, response) => {
    answer(request, response, routes, isOnLoopback).catch((error: unknown) => {
      onFault(error);
      fail(response);
    });
  });
  return { address, close: () => close(server) };
}

function listen(server: Server, wanted: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, wanted)));
    server.listen(wanted.port, wanted.host, () => {
      server.removeAllListeners('error');
      const found = server.address();
      if (typeof found !== 'object' || found === null) reject(new Error('the status server listens on no port'));
      else resolve({ host: found.address, port: found.port });
    });
  });
}

function listenError(error: Error, wanted: ListenAddress): UsageError {
  const known = LISTEN_ERRORS[errnoOf(error) ?? ''];
  const what = known?.what ?? error.message;
  const hint = known?.hint;
  return new UsageError(`--listen ${formatListenAddress(wanted)}: ${what}`, { cause: error, ...(hint && { hint }) });
}

const LISTEN_ERRORS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  EADDRINUSE: {
    what: 'something listens there already',
    hint: 'stop it, perhaps another pyro-pull, or choose another port',
  },
  EACCES: { what: 'not permitted', hint: 'ports below 1024 are for root; choose one above' },
  EADDRNOTAVAIL: { what: 'this machine does not have that address', hint: 'see ip address for those it has' },
  ENOTFOUND: { what: 'no such host', hint: 'use an IP address of this machine' },
  EAI_AGAIN: { what: 'the host name cannot be looked up now', hint: 'use an IP address of this machine' },
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  isOnLoopback: boolean,
): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const { method = '', url: target = '' } = request;
  // Nothing here takes a body; what a client sends all the same is not read.
  const length = request.headers['content-length'];
  if ((length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined) {
    response.setHeader('Connection', 'close');
  }
  const url = URL.canParse(target, BASE) && target.startsWith('/') ? new URL(target, BASE) : undefined;
  const route = url && routeOf(url.pathname, routes);
  const guarded = { method, headers: request.headers, isPage: route?.isPage === true };
  const refusal = refusalOf(guarded, isOnLoopback);
  if (refusal) return sendText(response, refusal.status, refusal.message);
  if (url === undefined) return sendText(response, 400, 'not a path');
  if (route === undefined) return sendText(response, 404, 'not found');
  const isAllowed = route.method === 'GET' ? method === 'GET' || method === 'HEAD' : method === route.method;
  if (!isAllowed) {
    response.setHeader('Allow', route.method === 'GET' ? 'GET, HEAD' : route.method);
    return sendText(response, 405, `${route.method} only`);
  }
  await route.handle(request, response, url);
}

/** Only the path and the query of what is parsed with it are used. */
const BASE = 'http://localhost';

function routeOf(path: string, routes: Routes): Route | undefined {
  if (Object.hasOwn(routes, path)) return routes[path];
  const above = Object.keys(routes).find((prefix) => prefix !== '/' && prefix.endsWith('/') && path.startsWith(prefix));
  return above === undefined ? undefined : routes[above];
}

/** Foreign text in it is on one line. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Text, JSON too, is made safe for a terminal that shows it. */
export function send(response: ServerResponse, status: number, contentType: string, body: string | Buffer): void {
  const sent = typeof body === 'string' ? plainText(body) : body;
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(sent) });
  response.end(sent);
}

/**
 * A long answer piece by piece: everything else has its turn in between, and no more of it is in memory than the client
 * is behind. Ends early where the client has gone.
 */
export async function sendPieces(
  response: ServerResponse,
  contentType: string,
  pieces: Iterable<string>,
): Promise<void> {
  response.writeHead(200, { 'Content-Type': contentType });
  for (const piece of pieces) {
    const isTaken = response.write(plainText(piece));
    await (isTaken ? nextTurn() : untilWritable(response));
    if (response.destroyed) return;
  }
  response.end();
}

function untilWritable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function fail(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else sendText(response, 500, 'internal error, see the log');
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
