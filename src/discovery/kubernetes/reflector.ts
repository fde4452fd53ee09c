import type { DiscovererDeps } from '../refresh-meter.ts';
import type { KubernetesApi, Query } from './api.ts';
import { ApiFailure, requestFailure } from './api-failure.ts';
import { Backoff } from './backoff.ts';
import { type KubernetesObject, keyOf } from './objects.ts';

/** Where the objects of a query go. */
export interface ObjectSink {
  store(object: KubernetesObject): void;
  delete(key: string): void;
  /** Something was stored or deleted, or the state of a reflector is another. */
  onChange(): void;
}

export interface ReflectorDeps extends DiscovererDeps {
  /** In [0, 1). */
  random(): number;
}

/** A watch that ends sooner, without any event, was not one. */
const SHORT_WATCH_MS = 1000;
const MIN_WATCH_SECONDS = 300;

/** Keeps the objects of one query as the API server has them: one list, then watches that go on from it. */
export class Reflector {
  readonly query: Query;
  readonly #api: KubernetesApi;
  readonly #sink: ObjectSink;
  readonly #deps: ReflectorDeps;
  readonly #backoff: Backoff;
  #keys: Set<string> = new Set();
  #version: string | undefined;
  #failedWatches = 0;
  #isSynced = false;
  #problem: ApiFailure | undefined;

  constructor(query: Query, api: KubernetesApi, sink: ObjectSink, deps: ReflectorDeps) {
    this.query = query;
    this.#api = api;
    this.#sink = sink;
    this.#deps = deps;
    this.#backoff = new Backoff(
      () => deps.now(),
      () => deps.random(),
    );
  }

  /** There has been a complete list. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** What is wrong at the moment; the objects stay meanwhile. */
  get problem(): ApiFailure | undefined {
    return this.#problem;
  }

  /** One complete list. Does not reject: a failure is the `problem`. */
  async listOnce(signal: AbortSignal): Promise<void> {
    try {
      await this.#list(signal);
    } catch (error) {
      this.#report(requestFailure(error));
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    let mustList = true;
    while (!signal.aborted) {
      try {
        if (mustList) await this.#list(signal);
        mustList = false;
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        const failure = requestFailure(error);
        // A list that failed is nothing to watch from; what else keeps its version is asked again from there.
        const isListFailure: boolean = mustList;
        mustList = isListFailure || !keepsVersion(failure);
        this.#failedWatches += 1;
        const isExpiry = failure.isStale && !isListFailure;
        if (!isExpiry) this.#deps.meter?.failed();
        if (isListFailure || (!isExpiry && this.#failedWatches > 1)) this.#report(failure);
        // An expired version is no fault: the list follows at once, unless that has just been so.
        if (!isExpiry || this.#failedWatches > 1) {
          await this.#deps.sleep(failure.retryAfterMs ?? this.#backoff.next(), signal);
        }
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { objects, version } = await this.#api.list(this.query, this.#version, signal);
    const keys = new Set<string>();
    for (const object of objects) {
      keys.add(keyOf(object.meta));
      this.#sink.store(object);
    }
    for (const key of this.#keys) if (!keys.has(key)) this.#sink.delete(key);
    this.#keys = keys;
    this.#version = version;
    this.#isSynced = true;
    this.#deps.meter?.succeeded();
    this.#sink.onChange();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startedMs = this.#deps.now();
    let events = 0;
    await this.#api.watch(this.query, {
      version: this.#version ?? '',
      // Spread, so that the watches of many clients do not end together.
      timeoutSeconds: MIN_WATCH_SECONDS + Math.floor(this.#deps.random() * MIN_WATCH_SECONDS),
      signal,
      onOpen: () => {
        this.#deps.meter?.succeeded();
        this.#clear();
      },
      onEvent: (event) => {
        events += 1;
        this.#failedWatches = 0;
        if (event.version !== '') this.#version = event.version;
        if (event.type === 'bookmark') return;
        const key = keyOf(event.object.meta);
        if (event.type === 'deleted') {
          this.#keys.delete(key);
          this.#sink.delete(key);
        } else {
          this.#keys.add(key);
          this.#sink.store(event.object);
        }
        this.#sink.onChange();
      },
    });
    if (events === 0 && this.#deps.now() - startedMs < SHORT_WATCH_MS) {
      throw new ApiFailure('the server ended the watch at once, without any event');
    }
    this.#failedWatches = 0;
  }

  #report(failure: ApiFailure): void {
    this.#problem = failure;
    this.#sink.onChange();
  }

  #clear(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#sink.onChange();
  }
}

/** Whether the next watch can go on where this one ended. */
function keepsVersion({ status, isConnection }: ApiFailure): boolean {
  return isConnection || status === 429 || status === 401;
}
