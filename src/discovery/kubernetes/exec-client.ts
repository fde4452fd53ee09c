import type { HttpClientConfig } from '../../config/http-client-config.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../http/client.ts';
import type { Environment } from '../../http/proxy.ts';
import type { HttpRequest } from '../../http/request.ts';
import type { HttpResponse } from '../../http/response.ts';
import { type ExecCredential, type ExecPlugin, runExecPlugin } from './exec-plugin.ts';

/** A request that begins just before the end must still find the credential good; short-lived ones may spare less. */
const LEEWAY_MS = 10_000;

export interface ExecClientDeps {
  readonly environment: Environment;
  /** Unix milliseconds. */
  now(): number;
  /** Default: runs the program. */
  readonly run?: typeof runExecPlugin;
}

/** A credential in use, and the client for it. */
interface Session {
  readonly credential: ExecCredential;
  readonly client: HttpClient;
  /** Unix milliseconds; Infinity where it holds until it is refused. */
  readonly renewAtMs: number;
  /** The server does not take it. */
  isRefused: boolean;
}

/**
 * An HTTP client that logs in with what a program gives: once for all requests, again before it ends, and when the server
 * answers 401.
 */
export class ExecClient implements HttpClient {
  readonly #plugin: ExecPlugin;
  readonly #config: HttpClientConfig;
  readonly #options: HttpClientOptions;
  readonly #deps: ExecClientDeps;
  readonly #stop = new AbortController();
  #session: Promise<Session> | undefined;
  #last: Session | undefined;

  constructor(plugin: ExecPlugin, config: HttpClientConfig, options: HttpClientOptions, deps: ExecClientDeps) {
    this.#plugin = plugin;
    this.#config = config;
    this.#options = options;
    this.#deps = deps;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const before = this.#last;
    const session = await this.#current();
    const response = await send(session, request);
    if (response.status !== 401) return response;
    session.isRefused = true;
    // A credential that was fetched for this very request is wrong; whoever holds a request open comes again by himself.
    const isFresh = session !== before;
    return isFresh || request.isHeld === true ? response : send(await this.#current(), request);
  }

  close(): void {
    this.#stop.abort();
    this.#last?.client.close();
  }

  destroy(): void {
    this.#stop.abort();
    this.#last?.client.destroy();
  }

  /** Requests at the same time share one run of the program. */
  async #current(): Promise<Session> {
    const known = this.#session;
    const session = await known;
    if (session !== undefined && !session.isRefused && this.#deps.now() < session.renewAtMs) return session;
    if (this.#session === known) this.#session = this.#renew();
    return this.#session ?? this.#renew();
  }

  async #renew(): Promise<Session> {
    const { environment, now, run = runExecPlugin } = this.#deps;
    try {
      const credential = await run(this.#plugin, environment, { signal: this.#stop.signal });
      const { expiresAtMs } = credential;
      const leftMs = expiresAtMs === undefined ? Number.POSITIVE_INFINITY : expiresAtMs - now();
      const session: Session = {
        credential,
        client: this.#clientFor(credential),
        renewAtMs: now() + leftMs - Math.min(LEEWAY_MS, leftMs / 2),
        isRefused: false,
      };
      this.#last = session;
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  /** Connections are made with one certificate, so another needs another client; requests under way end in the old one. */
  #clientFor({ certificate }: ExecCredential): HttpClient {
    if (this.#last && this.#last.credential.certificate?.cert === certificate?.cert) return this.#last.client;
    this.#last?.client.close();
    const tls = this.#config.tls ?? NO_TLS;
    return createHttpClient(
      certificate === undefined
        ? this.#config
        : { ...this.#config, tls: { ...tls, cert: { value: certificate.cert }, key: { value: certificate.key } } },
      this.#options,
    );
  }
}

const NO_TLS: NonNullable<HttpClientConfig['tls']> = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
  minVersion: undefined,
  maxVersion: undefined,
};

function send({ client, credential }: Session, request: HttpRequest): Promise<HttpResponse> {
  const { token } = credential;
  if (token === undefined) return client.request(request);
  return client.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
}
