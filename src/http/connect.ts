import { type ClientRequest, request as httpRequest, STATUS_CODES } from 'node:http';
import { isIP, connect as netConnect, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as tlsConnect } from 'node:tls';
import { HttpError } from '../errors.ts';
import { authorityOf, type HttpOrigin } from './address.ts';
import { describeFailure, type RequestPhase } from './describe-failure.ts';
import type { ProxyServer } from './proxy.ts';
import type { TlsSettings } from './tls-settings.ts';

/** How connections to one origin are made. */
export interface Route {
  readonly origin: HttpOrigin;
  readonly tls: TlsSettings;
  /** Undefined: straight to the origin. */
  readonly proxy: ProxyServer | undefined;
}

export type OnConnected = (error: HttpError | null, socket: Socket | null) => void;

/**
 * Time for one address of a host name before the next is tried. Node's own 250 ms gives an address up for good, which
 * hosts a continent away need not meet.
 */
const ADDRESS_ATTEMPT_MS = 1000;
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * One attempt to get a socket over which requests can be sent: TCP, then the proxy's CONNECT for https targets, then TLS.
 * It has no time limit of its own: whoever waits for it destroys it.
 */
export class ConnectAttempt {
  phase: RequestPhase = 'connecting';
  /** The first error of the socket after it was handed over: a TLS alert, say, that undici reports as a mere close. */
  socketError: Error | undefined;
  readonly #route: Route;
  /** Undefined once it was called: what waits on it is not kept as long as the connection is. */
  #onConnected: OnConnected | undefined;
  /** What has to be destroyed to stop the attempt; undefined once the socket is handed over, as it is then undici's to close. */
  #current: { destroy(): unknown } | undefined;
  #isDone = false;

  constructor(route: Route, onConnected: OnConnected) {
    this.#route = route;
    this.#onConnected = onConnected;
  }

  start(): void {
    const { origin, proxy } = this.#route;
    try {
      if (!proxy) {
        if (origin.scheme === 'https') this.#secure(origin, undefined);
        else this.#connectPlain(origin);
      } else if (origin.scheme === 'https') this.#tunnel(origin, proxy);
      else if (proxy.origin.scheme === 'https') this.#secure(proxy.origin, undefined);
      else this.#connectPlain(proxy.origin);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Stops without a word: the callback is not called any more. Does nothing once there is a socket. */
  destroy(): void {
    this.#isDone = true;
    this.#current?.destroy();
  }

  #connectPlain(origin: HttpOrigin): void {
    const socket = netConnect(dialOptions(origin));
    this.#current = socket;
    socket.once('connect', () => this.#succeed(socket)).on('error', (error) => this.#fail(error));
  }

  #secure(origin: HttpOrigin, over: Socket | undefined): void {
    const { tls } = this.#route;
    // The proxy's certificate, where the TLS connection ends there, is for the proxy's name.
    const isTarget = origin === this.#route.origin;
    const name =
      (isTarget ? tls.serverName : undefined) ?? (origin.socketPath === undefined ? origin.hostname : 'localhost');
    const socket = tlsConnect({
      ...dialOptions(origin),
      ...(over ? { socket: over } : {}),
      ...secureOptions(name, tls),
    });
    this.#current = socket;
    if (over) this.phase = 'tls';
    else
      socket.once('connect', () => {
        this.phase = 'tls';
      });
    socket.once('secureConnect', () => this.#succeed(socket)).on('error', (error) => this.#fail(error));
  }

  #tunnel(origin: HttpOrigin, proxy: ProxyServer): void {
    this.phase = 'proxy';
    const request = connectRequest(origin, proxy, this.#route.tls);
    this.#current = request;
    request.on('error', (error) => this.#fail(error));
    request.once('connect', (response, socket: Socket, head) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        socket.destroy();
        const text = response.statusMessage || STATUS_CODES[status] || '';
        this.#fail(
          new HttpError('PROXY_REFUSED', `proxy ${authorityOf(proxy.origin)} refused CONNECT: HTTP ${status} ${text}`, {
            hint: status === 407 ? 'put user:password into proxy-url, or set proxy-connect-header' : undefined,
          }),
        );
        return;
      }
      if (head.length > 0) socket.unshift(head);
      if (this.#isDone) socket.destroy();
      else this.#secure(origin, socket);
    });
    request.end();
  }

  #succeed(socket: Socket): void {
    if (this.#isDone) {
      socket.destroy();
      return;
    }
    this.#isDone = true;
    this.#current = undefined;
    socket.setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    this.#tell(null, socket);
  }

  #fail(error: unknown): void {
    if (this.#isDone) {
      if (error instanceof Error) this.socketError ??= error;
      return;
    }
    this.#isDone = true;
    const { origin, proxy } = this.#route;
    // Up to the end of CONNECT, and all along with a plain target, the other end is the proxy.
    const isProxys = proxy !== undefined && !(this.phase === 'tls' && origin.scheme === 'https');
    const described = describeFailure(error, isProxys ? proxy.origin : origin, this.phase);
    this.#tell(isProxys ? blameProxy(described, proxy) : described, null);
  }

  #tell(error: HttpError | null, socket: Socket | null): void {
    const onConnected = this.#onConnected;
    this.#onConnected = undefined;
    onConnected?.(error, socket);
  }
}

type DialOptions =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly autoSelectFamilyAttemptTimeout: number };

function dialOptions(origin: HttpOrigin): DialOptions {
  if (origin.socketPath !== undefined) return { path: origin.socketPath };
  return { host: origin.hostname, port: origin.port, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS };
}

function connectRequest(origin: HttpOrigin, proxy: ProxyServer, tls: TlsSettings): ClientRequest {
  return httpRequest({
    method: 'CONNECT',
    path: authorityOf(origin),
    headers: { ...proxy.connectHeaders, host: authorityOf(origin) },
    createConnection: () =>
      proxy.origin.scheme === 'https'
        ? tlsConnect({ ...dialOptions(proxy.origin), ...secureOptions(proxy.origin.hostname, tls) })
        : netConnect(dialOptions(proxy.origin)),
  });
}

/** `name` is what the certificate must be for. An IP address is no legal server name, but is checked all the same. */
function secureOptions(name: string, tls: TlsSettings): ConnectionOptions {
  return {
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    secureContext: tls.secureContext,
    rejectUnauthorized: tls.rejectUnauthorized,
    ALPNProtocols: ['http/1.1'],
  };
}

function blameProxy(error: HttpError, proxy: ProxyServer): HttpError {
  if (error.code === 'PROXY_REFUSED') return error;
  return new HttpError(error.code, `proxy ${authorityOf(proxy.origin)}: ${error.message}`, {
    hint: error.hint?.startsWith('set scheme') ? 'check the scheme of proxy-url' : error.hint,
    cause: error.cause,
  });
}
