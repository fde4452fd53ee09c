import type { HttpAddress } from '../../http/address.ts';
import type { HttpClient } from '../../http/client.ts';
import { listOf, mapOf, textOf } from '../json.ts';
import type { WaitDeps } from '../wait.ts';
import { ApiFailure, eventFailure, refusal, requestFailure } from './api-failure.ts';
import { LineSplitter } from './line-splitter.ts';
import { type KubernetesObject, type Resource, readObject } from './objects.ts';

/** The objects of a kind that are listed and watched together. */
export interface Query {
  readonly resource: Resource;
  /** Undefined: the whole cluster. */
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

export interface ObjectList {
  readonly objects: readonly KubernetesObject[];
  /** Where a watch goes on. Opaque. */
  readonly version: string;
}

export type WatchEvent =
  | { readonly type: 'stored' | 'deleted'; readonly object: KubernetesObject; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string };

export interface WatchOptions {
  readonly version: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** The server has accepted the watch. */
  onOpen(): void;
  onEvent(event: WatchEvent): void;
}

/** Kinds outside the core group, which is `/api/v1`. */
const GROUPS: Readonly<Partial<Record<Resource, string>>> = {
  endpointslices: '/apis/discovery.k8s.io/v1',
  ingresses: '/apis/networking.k8s.io/v1',
  replicasets: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
};

/** Of these only the metadata is read, which the server can send alone. */
const METADATA_ONLY: ReadonlySet<Resource> = new Set(['namespaces', 'replicasets', 'jobs']);

const PAGE_LIMIT = '500';
const LIST_TIMEOUT_MS = 120_000;
const MAX_LIST_BYTES = 256 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Some proxies pass the headers of a watch on with its first event, and the first bookmark comes after a minute or two. */
const MAX_SILENCE_MS = 150_000;
/** How long a watch may outlive its own timeout. */
const OVERTIME_MS = 30_000;

/** Lists and watches of one API server. All rejections are an `ApiFailure`. */
export class KubernetesApi {
  readonly #client: HttpClient;
  readonly #addressOf: (path: string) => HttpAddress;
  readonly #deps: WaitDeps;

  constructor(client: HttpClient, addressOf: (path: string) => HttpAddress, deps: WaitDeps) {
    this.#client = client;
    this.#addressOf = addressOf;
    this.#deps = deps;
  }

  /**
   * All objects of a query. `since` is the last version that was seen, which the answer is not older than; without it any
   * version that the server has at hand will do.
   */
  async list(query: Query, since: string | undefined, signal: AbortSignal): Promise<ObjectList> {
    const first: Parameters =
      since === undefined ? { resourceVersion: '0', limit: PAGE_LIMIT } : { resourceVersion: since };
    try {
      return await this.#listPages(query, first, signal);
    } catch (error) {
      if (!isStale(error)) throw error;
    }
    try {
      return await this.#listPages(query, { limit: PAGE_LIMIT }, signal);
    } catch (error) {
      if (!isStale(error)) throw error;
    }
    // The snapshot went away between two pages: all of it in one.
    return this.#listPages(query, {}, signal);
  }

  /** Resolves when the server ends the watch, which it does after its timeout. */
  async watch(query: Query, options: WatchOptions): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    let failure: ApiFailure | undefined;
    const fail = (error: ApiFailure): void => {
      failure ??= error;
      stop.abort();
    };
    // Silence ends a watch whose connection is dead without a word; but some servers send no bookmarks.
    let isSilenceLimited = true;
    let lastByteMs = this.#deps.now();
    const lines = new LineSplitter(MAX_LINE_BYTES, (line) => {
      if (failure !== undefined) return;
      const event = readEvent(query.resource, line);
      if (event instanceof ApiFailure) return fail(event);
      if (event === undefined) return;
      if (event.type === 'bookmark') isSilenceLimited = true;
      options.onEvent(event);
    });
    const guard = this.#guardSilence(() => (isSilenceLimited ? lastByteMs : undefined), fail, signal);
    try {
      const response = await this.#client.request({
        ...this.#address(query, {
          watch: '1',
          resourceVersion: options.version,
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(options.timeoutSeconds),
        }),
        headers: { accept: acceptFor(query.resource, 'PartialObjectMetadata') },
        timeoutMs: options.timeoutSeconds * 1000 + OVERTIME_MS,
        maxBodyBytes: Number.POSITIVE_INFINITY,
        isHeld: true,
        signal,
        onHeaders: ({ status }) => {
          lastByteMs = this.#deps.now();
          isSilenceLimited = false;
          if (status === 200) options.onOpen();
        },
        onData: (chunk) => {
          lastByteMs = this.#deps.now();
          try {
            lines.push(chunk);
          } catch (error) {
            fail(new ApiFailure(error instanceof Error ? error.message : String(error)));
          }
        },
      });
      if (response.status !== 200) throw refusal(response);
      if (failure !== undefined) throw failure;
    } catch (error) {
      throw failure ?? requestFailure(error);
    } finally {
      stop.abort();
      await guard;
    }
  }

  async #guardSilence(
    lastByteMs: () => number | undefined,
    fail: (error: ApiFailure) => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const last = lastByteMs();
      const leftMs = last === undefined ? MAX_SILENCE_MS : last + MAX_SILENCE_MS - this.#deps.now();
      if (leftMs > 0) await this.#deps.sleep(leftMs, signal);
      else return fail(new ApiFailure('the watch was silent for too long', { isConnection: true }));
    }
  }

  async #listPages(query: Query, parameters: Parameters, signal: AbortSignal): Promise<ObjectList> {
    const objects: KubernetesObject[] = [];
    let page = parameters;
    for (;;) {
      const body = await this.#getList(query, page, signal);
      const metadata = mapOf(body['metadata']);
      for (const item of listOf(body['items'])) {
        const object = readObject(query.resource, item);
        if (object !== undefined) objects.push(object);
      }
      const next = textOf(metadata['continue']);
      if (next === '') return { objects, version: textOf(metadata['resourceVersion']) };
      const { resourceVersion: _, ...rest } = parameters;
      page = { ...rest, continue: next };
    }
  }

  async #getList(
    query: Query,
    parameters: Parameters,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    let body: Uint8Array;
    try {
      const response = await this.#client.request({
        ...this.#address(query, parameters),
        headers: { accept: acceptFor(query.resource, 'PartialObjectMetadataList') },
        timeoutMs: LIST_TIMEOUT_MS,
        maxBodyBytes: MAX_LIST_BYTES,
        signal,
      });
      if (response.status !== 200) throw refusal(response);
      body = response.body;
    } catch (error) {
      throw requestFailure(error);
    }
    try {
      const value: unknown = JSON.parse(Buffer.from(body).toString());
      return mapOf(value);
    } catch (error) {
      throw new ApiFailure('the answer is no JSON', {
        cause: error,
        hint: 'check that api-server is a Kubernetes API server',
      });
    }
  }

  #address({ resource, namespace, labelSelector, fieldSelector }: Query, parameters: Parameters): HttpAddress {
    const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const query = Object.entries({ ...parameters, labelSelector, fieldSelector })
      .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`]))
      .join('&');
    return this.#addressOf(`${GROUPS[resource] ?? '/api/v1'}${scope}/${resource}${query === '' ? '' : `?${query}`}`);
  }
}

type Parameters = Readonly<Record<string, string>>;

function isStale(error: unknown): boolean {
  return error instanceof ApiFailure && error.isStale;
}

function acceptFor(resource: Resource, partial: string): string {
  if (!METADATA_ONLY.has(resource)) return 'application/json';
  return `application/json;as=${partial};g=meta.k8s.io;v=v1,application/json`;
}

/** Undefined for events of a type that is not known; later servers may have more. */
function readEvent(resource: Resource, line: string): WatchEvent | ApiFailure | undefined {
  let event: Readonly<Record<string, unknown>>;
  try {
    const value: unknown = JSON.parse(line);
    event = mapOf(value);
  } catch (error) {
    return new ApiFailure('a line of the watch is no JSON', { cause: error });
  }
  const { type, object: body } = event;
  if (type === 'ERROR') return eventFailure(body);
  const version = textOf(mapOf(mapOf(body)['metadata'])['resourceVersion']);
  if (type === 'BOOKMARK') return { type: 'bookmark', version };
  const object = readObject(resource, body);
  if (object === undefined) return undefined;
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'stored', object, version };
  return type === 'DELETED' ? { type: 'deleted', object, version } : undefined;
}
