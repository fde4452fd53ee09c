import { setMaxListeners } from 'node:events';
import type { HttpClientConfig } from '../config/http-client-config.ts';
import { HttpError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { HttpAddress } from './address.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { basicCredentials, ConfiguredHeaders } from './configured-headers.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Exchange } from './exchange.ts';
import { OAuth2TokenSource } from './oauth2.ts';
import { type Environment, ProxyChooser } from './proxy.ts';
import { ReadAllowance } from './read-allowance.ts';
import { isRedirect, keepsCredentials, MAX_REDIRECTS, nextAddress } from './redirect.ts';
import type { HttpRequest } from './request.ts';
import { type HttpResponse, headerOf } from './response.ts';
import { SecretFiles } from './secret-files.ts';
import { TlsSource } from './tls-settings.ts';

export interface HttpClientOptions {
  /** Default `pyro-pull/<version>`. */
  readonly userAgent?: string | undefined;
  /** Destroys the client when it aborts: one listener for all requests. */
  readonly signal?: AbortSignal | undefined;
  /** Where `proxy-from-environment` looks, as `process.env`. Default: nowhere. */
  readonly environment?: Environment | undefined;
  /** Default 16. */
  readonly maxConnectionsPerOrigin?: number | undefined;
  /** Default 5 minutes, as Prometheus. Must be longer than the interval of the requests. */
  readonly keepAliveMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** An HTTP client made from one HTTP client block; shared by everything that the block is for. */
export interface HttpClient {
  /**
   * The answer, whatever its status. Rejects with HttpError where there is none: code `TIMEOUT`, `CONNECTION_REFUSED`,
   * `NO_SUCH_HOST`, `TLS_CERTIFICATE`, `BODY_TOO_LARGE`, `CANCELLED` … A GET over a kept connection that turns out to be
   * closed is sent once more.
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Lets requests under way end; no new ones are taken. */
  close(): void;
  /** Ends every request under way with HttpError `CANCELLED`, and closes all connections. */
  destroy(): void;
}

const DEFAULT_MAX_CONNECTIONS = 16;
const DEFAULT_KEEP_ALIVE_MS = 300_000;

/** Makes a client; nothing is read or opened before the first request. */
export function createHttpClient(config: HttpClientConfig, options: HttpClientOptions = {}): HttpClient {
  return new ConfiguredClient(config, options);
}

class ConfiguredClient implements HttpClient {
  readonly #config: HttpClientConfig;
  readonly #userAgent: string;
  readonly #signal: AbortSignal | undefined;
  readonly #clock: Clock;
  readonly #pool: ConnectionPool;
  readonly #tls: TlsSource;
  readonly #proxies: ProxyChooser;
  readonly #headers: ConfiguredHeaders;
  readonly #tokenClient: HttpClient | undefined;
  #isClosed = false;
  #isDestroyed = false;

  constructor(config: HttpClientConfig, options: HttpClientOptions) {
    const { environment = {}, clock = SYSTEM_CLOCK } = options;
    const files = new SecretFiles(clock);
    this.#config = config;
    this.#userAgent = options.userAgent ?? `pyro-pull/${VERSION}`;
    this.#signal = options.signal;
    this.#clock = clock;
    this.#pool = new ConnectionPool({
      maxPerOrigin: options.maxConnectionsPerOrigin ?? DEFAULT_MAX_CONNECTIONS,
      keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
    });
    this.#tls = new TlsSource(config.tls, files);
    this.#proxies = new ProxyChooser(config.proxy, environment, files);
    const { oauth2 } = config;
    this.#tokenClient = oauth2 && createHttpClient(tokenClientConfig(config, oauth2.tls, oauth2.proxy), options);
    const send = this.#tokenClient?.request.bind(this.#tokenClient);
    this.#headers = new ConfiguredHeaders(
      config,
      files,
      oauth2 && send && new OAuth2TokenSource(oauth2, files, send, clock),
    );
    allowManyListeners(this.#signal);
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#isClosed) throw cancelled();
    allowManyListeners(request.signal);
    const endsAtMs = this.#clock.monotonic() + request.timeoutMs;
    const { method = 'GET' } = request;
    const follows = this.#config.followRedirects && (method === 'GET' || method === 'HEAD');
    let address: HttpAddress = request;
    let isTrusted = true;
    const allowance = new ReadAllowance(request.maxBodyBytes, this.#clock);
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#exchange(request, method, address, isTrusted, follows, endsAtMs, allowance);
      const location = follows ? redirectOf(response) : undefined;
      if (location === undefined) return response;
      if (redirects === MAX_REDIRECTS) {
        throw new HttpError('TOO_MANY_REDIRECTS', `stopped after ${MAX_REDIRECTS} redirects`);
      }
      address = nextAddress(address, location);
      isTrusted &&= keepsCredentials(request.origin, address.origin);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#pool.close();
    this.#tokenClient?.close();
  }

  destroy(): void {
    this.#isClosed = true;
    this.#isDestroyed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#pool.destroy(cancelled());
    this.#tokenClient?.destroy();
  }

  readonly #onAbort = (): void => this.destroy();

  async #exchange(
    request: HttpRequest,
    method: string,
    { origin, path }: HttpAddress,
    isTrusted: boolean,
    follows: boolean,
    endsAtMs: number,
    allowance: ReadAllowance,
  ): Promise<HttpResponse> {
    const headers = await this.#headersFor(request, isTrusted, endsAtMs - this.#clock.monotonic());
    const tls = await this.#tls.current();
    const proxy = await this.#proxies.proxyFor(origin);
    if (this.#isDestroyed) throw cancelled();
    const exchange = new Exchange(
      {
        method,
        path,
        headers,
        body: request.body,
        remainingMs: endsAtMs - this.#clock.monotonic(),
        timeoutMs: request.timeoutMs,
        maxBodyBytes: request.maxBodyBytes,
        allowance,
        statusDecides: request.statusDecides === true,
        isHeld: request.isHeld === true,
        signal: request.signal,
        onHeaders: request.onHeaders,
        onData: request.onData,
        isFinal: (status, received) => !follows || !isRedirect(status, received),
      },
      this.#clock,
    );
    this.#pool.run({ origin, tls, proxy }, exchange);
    return exchange.response;
  }

  /** Everything that comes from the config is for the host that the config names: none of it follows a redirect away. */
  async #headersFor(request: HttpRequest, isTrusted: boolean, remainingMs: number): Promise<string[]> {
    const own = Object.entries(request.headers ?? {});
    if (!isTrusted) {
      const headers = ['user-agent', this.#userAgent];
      for (const [name, value] of own) if (!/^(authorization|cookie)$/i.test(name)) headers.push(name, value);
      return headers;
    }
    const headers = mergedHeaders(this.#userAgent, own, await this.#headers.plain());
    if (headers.some((name, index) => index % 2 === 0 && /^authorization$/i.test(name))) return headers;
    const { userinfo } = request;
    const authorization = await this.#headers.authorization(remainingMs);
    const fallback = userinfo === undefined ? undefined : basicCredentials(userinfo);
    if (authorization ?? fallback) headers.push('authorization', authorization ?? fallback ?? '');
    return headers;
  }
}

/**
 * Configured headers take the place of the request's own ones, except of those that describe its body or that it is
 * authorized by.
 */
function mergedHeaders(
  userAgent: string,
  own: readonly (readonly [name: string, value: string])[],
  configured: readonly string[],
): string[] {
  const headers: string[] = [];
  const isConfigured = (wanted: string): boolean =>
    configured.some((name, index) => index % 2 === 0 && name.toLowerCase() === wanted);
  const isOwn = (wanted: string): boolean => own.some(([name]) => name.toLowerCase() === wanted);
  if (!isConfigured('user-agent')) headers.push('user-agent', userAgent);
  for (const [name, value] of own) {
    const lower = name.toLowerCase();
    if (KEPT_HEADERS.has(lower) || !isConfigured(lower)) headers.push(name, value);
  }
  for (let i = 0; i < configured.length; i += 2) {
    const name = configured[i] ?? '';
    const lower = name.toLowerCase();
    if (!KEPT_HEADERS.has(lower) || !isOwn(lower)) headers.push(name, configured[i + 1] ?? '');
  }
  return headers;
}

const KEPT_HEADERS: ReadonlySet<string> = new Set(['authorization', 'content-type', 'content-encoding']);

function cancelled(): HttpError {
  return new HttpError('CANCELLED', 'cancelled');
}

/** Many clients and requests may hear one signal; Node 20 warns of a leak at eleven. */
function allowManyListeners(signal: AbortSignal | undefined): void {
  if (signal) setMaxListeners(0, signal);
}

function redirectOf(response: HttpResponse): string | undefined {
  return isRedirect(response.status, response.headers) ? headerOf(response.headers, 'location') : undefined;
}

function tokenClientConfig(
  config: HttpClientConfig,
  tls: HttpClientConfig['tls'],
  proxy: HttpClientConfig['proxy'],
): HttpClientConfig {
  return {
    ...config,
    basicAuth: undefined,
    authorization: undefined,
    oauth2: undefined,
    headers: new Map(),
    tls,
    proxy,
  };
}
