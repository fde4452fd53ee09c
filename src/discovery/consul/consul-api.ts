import type { ConsulDiscoveryConfig } from '../../config/discovery-config.ts';
import { DiscoveryError } from '../../errors.ts';
import { addressOf } from '../../http/address.ts';
import type { HttpClient } from '../../http/client.ts';
import { type HttpResponse, headerOf } from '../../http/response.ts';
import { describeRequestFailure } from '../http-failure.ts';
import { isMap, listOf, mapOf, textOf, textsOf } from '../json.ts';

/** The answer to a query that can block. */
export interface ConsulAnswer<T> {
  readonly value: T;
  /** Numbers the state that the answer shows; at least 1, since a query with 0 would not block. */
  readonly index: number;
  /** The token may not see all that there is, and Consul left the rest out without an error. */
  readonly isFiltered: boolean;
}

/** What is known already: the query is held until there is a later state, or until the wait is over. */
export interface Since {
  readonly index: number;
  readonly waitMs: number;
}

/** Beside the wait: the server adds up to a sixteenth of it, so that its clients don't all come back together. */
const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 256 * 1024 * 1024;
/** Of an answer that refuses the query, in messages. */
const MAX_REASON_LENGTH = 200;

/** The three questions that discovery asks an agent. They reject with a `DiscoveryError` that says what was seen. */
export class ConsulApi {
  readonly #config: ConsulDiscoveryConfig;
  readonly #client: HttpClient;
  readonly #base: string;

  constructor(config: ConsulDiscoveryConfig, client: HttpClient) {
    this.#config = config;
    this.#client = client;
    const prefix = config.pathPrefix?.replace(/^\/+|(?<!\/)\/+$/g, '') ?? '';
    this.#base = `${config.scheme}://${config.server}${prefix === '' ? '' : `/${prefix}`}/v1`;
  }

  /** The name of the agent's own datacenter. */
  async ownDatacenter(signal: AbortSignal): Promise<string> {
    const path = '/agent/self';
    const body = parse(path, await this.#get(path, [], undefined, signal));
    return textOf(mapOf(mapOf(body)['Config'])['Datacenter']);
  }

  /** The services of the catalog, each with the tags of all its instances. */
  async services(since: Since | undefined, signal: AbortSignal): Promise<ConsulAnswer<ReadonlyMap<string, string[]>>> {
    const path = '/catalog/services';
    const response = await this.#query(path, since, this.#config.filter, [], signal);
    const body = parse(path, response);
    if (!isMap(body)) throw failure(path, 'the answer is no JSON object');
    return answerOf(response, new Map(Object.entries(body).map(([name, tags]) => [name, textsOf(tags)])));
  }

  /** The instances of a service with their checks, as JSON values. */
  async instances(
    service: string,
    since: Since | undefined,
    signal: AbortSignal,
  ): Promise<ConsulAnswer<readonly unknown[]>> {
    const path = `/health/service/${encodeURIComponent(service)}`;
    const tags = this.#config.tags.map((tag): Parameter => ['tag', tag]);
    const response = await this.#query(path, since, this.#config.healthFilter, tags, signal);
    const body = parse(path, response);
    if (!Array.isArray(body)) throw failure(path, 'the answer is no JSON list');
    return answerOf(response, listOf(body));
  }

  #query(
    path: string,
    since: Since | undefined,
    filter: string | undefined,
    more: readonly Parameter[],
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { datacenter, namespace, partition, allowStale, nodeMeta } = this.#config;
    const parameters: (Parameter | undefined)[] = [
      given('dc', datacenter),
      given('ns', namespace),
      given('partition', partition),
      allowStale ? ['stale', undefined] : undefined,
      given('index', since?.index.toString()),
      since && ['wait', `${since.waitMs}ms`],
      ...[...nodeMeta].map(([key, value]): Parameter => ['node-meta', `${key}:${value}`]),
      given('filter', filter),
      ...more,
    ];
    return this.#get(
      path,
      parameters.filter((parameter) => parameter !== undefined),
      since?.waitMs,
      signal,
    );
  }

  async #get(
    path: string,
    parameters: readonly Parameter[],
    heldMs: number | undefined,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const query = parameters
      .map(([key, value]) => (value === undefined ? key : `${key}=${encodeURIComponent(value)}`))
      .join('&');
    const address = addressOf(`${this.#base}${path}${query === '' ? '' : `?${query}`}`);
    let response: HttpResponse;
    try {
      response = await this.#client.request({
        ...address,
        headers: { accept: 'application/json' },
        timeoutMs: TIMEOUT_MS + (heldMs ?? 0),
        maxBodyBytes: MAX_BODY_BYTES,
        isHeld: heldMs !== undefined,
        signal,
      });
    } catch (error) {
      const { message, hint } = describeRequestFailure(error);
      throw failure(path, message, hint, error);
    }
    if (response.status !== 200) throw refusal(path, response);
    return response;
  }
}

/** Undefined where the parameter has no value. */
type Parameter = readonly [key: string, value: string | undefined];

function given(key: string, value: string | undefined): Parameter | undefined {
  return value === undefined ? undefined : [key, value];
}

function answerOf<T>({ headers }: HttpResponse, value: T): ConsulAnswer<T> {
  return {
    value,
    index: Math.max(1, Number(headerOf(headers, 'x-consul-index')) || 1),
    isFiltered: headerOf(headers, 'x-consul-results-filtered-by-acls') === 'true',
  };
}

function parse(path: string, { body }: HttpResponse): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return value;
  } catch (error) {
    throw failure(path, 'the answer is no JSON', 'check that server names the HTTP port of a Consul agent', error);
  }
}

function refusal(path: string, { status, statusText, body }: HttpResponse): DiscoveryError {
  const reason = Buffer.from(body).toString().replace(/\s+/g, ' ').trim().slice(0, MAX_REASON_LENGTH);
  const seen = `HTTP ${status} ${statusText}`.trimEnd();
  const hint = status === 401 || status === 403 ? 'the token needs service:read, node:read and agent:read' : undefined;
  return failure(path, reason === '' ? seen : `${seen}: ${reason}`, hint);
}

function failure(path: string, message: string, hint?: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError('SD_CONSUL_FAILED', `/v1${path}: ${message}`, { hint, cause });
}
