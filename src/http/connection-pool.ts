import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { HttpError } from '../errors.ts';
import { authorityOf, hostHeader } from './address.ts';
import { ConnectAttempt, type Route } from './connect.ts';
import type { RequestPhase } from './describe-failure.ts';
import type { Exchange, ExchangeConnection } from './exchange.ts';
import { proxyKey } from './proxy.ts';

export interface PoolOptions {
  /** Requests at once to one origin. Held ones do not count: waiting in a queue would cost them their interval. */
  readonly maxPerOrigin: number;
  /** How long an idle connection is kept; less where the server announces less. */
  readonly keepAliveMs: number;
}

/**
 * Keep-alive connections by origin, each with one request at a time. A request takes the first idle connection, so that
 * spare ones fall idle and close; and a slow one never stands in the way of the others. An origin that is asked no more
 * costs nothing once its connections have closed.
 */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #hosts = new Map<string, Host>();
  #isClosing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  run(route: Route, exchange: Exchange): void {
    const { origin, proxy } = route;
    const key = `${origin.scheme}://${authorityOf(origin)} ${proxyKey(proxy)}`;
    let host = this.#hosts.get(key);
    if (!host) {
      host = new Host(key, this.#hosts, this.#options);
      if (this.#isClosing) host.close();
      this.#hosts.set(key, host);
    }
    host.run(route, exchange);
  }

  /** How many origins have a connection, or a request that waits for one. */
  get origins(): number {
    return this.#hosts.size;
  }

  /** Closes idle connections at once, and from now on each as soon as nothing runs on it or waits for it. */
  close(): void {
    this.#isClosing = true;
    for (const host of [...this.#hosts.values()]) host.close();
  }

  /** Fails every request with this error and closes all. */
  destroy(error: HttpError): void {
    for (const host of [...this.#hosts.values()]) host.destroy(error);
  }
}

interface Waiting {
  readonly route: Route;
  readonly exchange: Exchange;
}

/**
 * The connections to one origin by one way, and who waits for one. There are as many hosts as targets, most with one
 * connection: a set, a queue and a function for each would take more than the host itself.
 */
class Host {
  readonly #key: string;
  /** That it is one of. */
  readonly #hosts: Map<string, Host>;
  readonly #options: PoolOptions;
  #connections: readonly Connection[] = NO_CONNECTIONS;
  /** Undefined while nobody waits. */
  #waiting: Waiting[] | undefined;
  #isClosing = false;

  constructor(key: string, hosts: Map<string, Host>, options: PoolOptions) {
    this.#key = key;
    this.#hosts = hosts;
    this.#options = options;
  }

  run(route: Route, exchange: Exchange): void {
    if (exchange.isSettled) return;
    const idle = this.#idle(route);
    if (idle) idle.run(exchange);
    else if (exchange.request.isHeld || this.#countOrdinary() < this.#options.maxPerOrigin)
      this.#open(route).run(exchange);
    else {
      this.#waiting ??= [];
      this.#waiting.push({ route, exchange });
    }
  }

  /** A new connection whatever is idle: the idle ones are as old as the one that just failed. */
  runFresh(route: Route, exchange: Exchange): void {
    this.#open(route).run(exchange);
  }

  serveNext(): void {
    const first = this.#waiting?.findIndex(({ exchange }) => !exchange.isSettled) ?? -1;
    const next = this.#waiting?.[first];
    this.#waiting = next && this.#waiting?.slice(first + 1);
    if (next) this.run(next.route, next.exchange);
    else if (this.#isClosing) this.close();
  }

  forget(connection: Connection): void {
    this.#connections = this.#connections.filter((one) => one !== connection);
    const isWanted = this.#waiting?.some(({ exchange }) => !exchange.isSettled) ?? false;
    if (this.#connections.length === 0 && !isWanted) this.#hosts.delete(this.#key);
  }

  close(): void {
    this.#isClosing = true;
    for (const connection of this.#connections) if (!connection.exchange) connection.close();
  }

  destroy(error: HttpError): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { exchange } of waiting) exchange.abort(error);
    for (const connection of this.#connections) {
      connection.exchange?.abort(error);
      connection.close();
    }
  }

  #idle(route: Route): Connection | undefined {
    for (const connection of this.#connections) {
      if (connection.exchange) continue;
      // Other TLS settings: a certificate or CA file has changed.
      if (connection.route.tls === route.tls) return connection;
      connection.close();
    }
    return undefined;
  }

  #countOrdinary(): number {
    let count = 0;
    for (const { exchange } of this.#connections) if (exchange && !exchange.request.isHeld) count += 1;
    return count;
  }

  #open(route: Route): Connection {
    const connection = new Connection(route, this, this.#options.keepAliveMs);
    // Of just that length: a literal with a spread leaves room for sixteen more.
    this.#connections = this.#connections.concat(connection);
    return connection;
  }
}

const NO_CONNECTIONS: readonly Connection[] = [];

/** One undici client, that is one socket at a time. */
class Connection implements ExchangeConnection {
  readonly route: Route;
  exchange: Exchange | undefined;
  isReused = false;
  readonly #host: Host;
  readonly #client: Client;
  #attempt: ConnectAttempt | undefined;

  constructor(route: Route, host: Host, keepAliveMs: number) {
    this.route = route;
    this.#host = host;
    this.#client = new Client(`${route.origin.scheme}://${hostHeader(route.origin)}`, {
      // The caller's deadline bounds the whole request; undici's own limits would only cut long profiles short.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      connect: (_options, onConnected) => {
        this.isReused = false;
        this.#attempt = new ConnectAttempt(route, (error, socket) => {
          if (error) onConnected(error, null);
          else if (socket) this.#handOver(socket, onConnected);
        });
        this.#attempt.start();
      },
    });
    this.#client.on('disconnect', () => {
      if (!this.exchange) this.close();
    });
  }

  get connectPhase(): RequestPhase {
    return this.#attempt?.phase ?? 'connecting';
  }

  get socketError(): Error | undefined {
    return this.#attempt?.socketError;
  }

  run(exchange: Exchange): void {
    this.exchange = exchange;
    exchange.attach(this);
    const { request } = exchange;
    const { origin, proxy } = this.route;
    const isForwarded = proxy !== undefined && origin.scheme === 'http';
    const hasHost = request.headers.some((name, index) => index % 2 === 0 && /^host$/i.test(name));
    const headers = hasHost ? [...request.headers] : ['host', hostHeader(origin), ...request.headers];
    if (isForwarded && proxy.authorization) headers.push('proxy-authorization', proxy.authorization);
    this.#client.dispatch(
      {
        method: request.method,
        path: isForwarded ? `http://${authorityOf(origin)}${request.path}` : request.path,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
      },
      exchange,
    );
  }

  /** Puts undici's reader between two of ours, so that what it costs to parse what was received is known. */
  #handOver(socket: Socket, onConnected: (error: null, socket: Socket) => void): void {
    socket.on('readable', () => this.exchange?.startRead(socket.readableLength));
    onConnected(null, socket);
    socket.on('readable', () => this.exchange?.endRead());
  }

  release(): void {
    this.exchange = undefined;
    this.isReused = true;
    this.#host.serveNext();
  }

  discard(error: HttpError): void {
    this.exchange = undefined;
    this.close(error);
    this.#host.serveNext();
  }

  startOver(exchange: Exchange): void {
    this.exchange = undefined;
    // In this order, or the host would be forgotten in between.
    this.#host.runFresh(this.route, exchange);
    this.close();
  }

  close(error: HttpError | null = null): void {
    this.#host.forget(this);
    this.#attempt?.destroy();
    // Never rejects; its end is of no interest.
    void this.#client.destroy(error);
  }
}
