import { setMaxListeners } from 'node:events';
import type { KubernetesDiscoveryConfig } from '../../config/discovery-config.ts';
import { DiscoveryError } from '../../errors.ts';
import { addressOf } from '../../http/address.ts';
import { createHttpClient, type HttpClient } from '../../http/client.ts';
import type { Environment } from '../../http/proxy.ts';
import { ChangeSignal } from '../change-signal.ts';
import type { Discoverer, DiscoveryUpdate } from '../discoverer.ts';
import type { DiscovererDeps } from '../refresh-meter.ts';
import { untilAborted } from '../wait.ts';
import { KubernetesApi, type Query } from './api.ts';
import { ExecClient } from './exec-client.ts';
import { GroupIndex } from './group-index.ts';
import { queriesFor, ROLES } from './queries.ts';
import { Reflector, type ReflectorDeps } from './reflector.ts';
import { type ClusterAround, type FoundServer, findServer, SERVICE_ACCOUNT_DIR } from './server-access.ts';

/** Each watch may need its own connection, so only lists are limited. */
const MAX_LISTS = 8;

/** With the credentials of the pod around this process, where the config names no others. */
export function createKubernetesDiscoverer(
  config: KubernetesDiscoveryConfig,
  name: string,
  deps: DiscovererDeps,
  environment: Environment,
): Discoverer {
  const reflectorDeps = {
    now: () => deps.now(),
    sleep: (ms: number, signal: AbortSignal) => deps.sleep(ms, signal),
    random: Math.random,
    meter: deps.meter,
  };
  return new KubernetesDiscoverer(config, name, reflectorDeps, { environment, serviceAccountDir: SERVICE_ACCOUNT_DIR });
}

/** `kubernetes-sd-configs`: objects of an API server, listed once and then watched. */
export class KubernetesDiscoverer implements Discoverer {
  readonly name: string;
  readonly #config: KubernetesDiscoveryConfig;
  readonly #deps: ReflectorDeps;
  readonly #around: ClusterAround;

  constructor(config: KubernetesDiscoveryConfig, name: string, deps: ReflectorDeps, around: ClusterAround) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    this.#around = around;
  }

  async once(signal: AbortSignal): Promise<DiscoveryUpdate> {
    const run = await this.#open();
    if (!(run instanceof ClusterRun)) return run;
    try {
      await Promise.all(run.reflectors.map((one) => one.listOnce(signal)));
      signal.throwIfAborted();
      return run.update();
    } finally {
      run.close();
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<DiscoveryUpdate> {
    const run = await this.#open();
    if (!(run instanceof ClusterRun)) {
      yield run;
      await untilAborted(signal);
      return;
    }
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    // Every reflector may sleep on it; Node 20 warns of a leak at eleven.
    setMaxListeners(0, until);
    let fault: { readonly error: unknown } | undefined;
    const running = Promise.all(run.reflectors.map((one) => one.run(until))).catch((error: unknown) => {
      fault = { error };
      run.notify();
    });
    let last: string | undefined;
    try {
      while (!until.aborted) {
        await run.changed(until);
        if (fault !== undefined) throw fault.error;
        if (until.aborted) return;
        const isChanged = run.refresh();
        if (!run.isSynced && run.problems.length === 0) continue;
        const update = run.update();
        const messages = JSON.stringify([run.isSynced, update.failures.map(({ message }) => message)]);
        // Before the first complete answer and after it are not the same, even if both are empty.
        if (last === messages && !(isChanged && run.isSynced)) continue;
        last = messages;
        yield update;
      }
    } finally {
      stop.abort();
      run.close();
      await running;
    }
  }

  /** An update with the failure where there is no server to ask. */
  async #open(): Promise<ClusterRun | DiscoveryUpdate> {
    try {
      const server = await findServer(this.#config, this.#around);
      const { environment } = this.#around;
      const options = { environment, maxConnectionsPerOrigin: MAX_LISTS };
      const client =
        server.exec === undefined
          ? createHttpClient(server.http, options)
          : new ExecClient(server.exec, server.http, options, { environment, now: () => this.#deps.now() });
      return new ClusterRun(this.#config, this.name, this.#deps, server, client);
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
      const { code, message, hint } = error;
      const failure = new DiscoveryError(code, `${this.name}: ${message}`, { hint, cause: error });
      return { groups: [], failures: [failure], warnings: [] };
    }
  }
}

/** One run: a client, and what it has learnt. */
class ClusterRun {
  readonly reflectors: readonly Reflector[];
  readonly #name: string;
  readonly #client: HttpClient;
  readonly #index: GroupIndex;
  readonly #change = new ChangeSignal();
  readonly #warnings: readonly string[];
  readonly #worded = new WeakMap<DiscoveryError, DiscoveryError>();

  constructor(
    config: KubernetesDiscoveryConfig,
    name: string,
    deps: ReflectorDeps,
    { url, namespaces, warnings }: FoundServer,
    client: HttpClient,
  ) {
    this.#name = name;
    this.#client = client;
    this.#warnings = warnings.map((warning) => `${name}: ${warning}`);
    this.#index = new GroupIndex(ROLES[config.role], config.attachMetadata);
    const api = new KubernetesApi(client, (path) => addressOf(`${url}${path}`), deps);
    this.reflectors = queriesFor(config, namespaces).map((query) => {
      const { resource } = query;
      return new Reflector(
        query,
        api,
        {
          store: (object) => this.#index.store(resource, object),
          delete: (key) => this.#index.delete(resource, key),
          onChange: () => this.#change.notify(),
        },
        deps,
      );
    });
  }

  get isSynced(): boolean {
    return this.reflectors.every(({ isSynced }) => isSynced);
  }

  get problems(): Reflector[] {
    return this.reflectors.filter(({ problem }) => problem !== undefined);
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#change.next(signal);
  }

  /** Wakes whoever waits for a change. */
  notify(): void {
    this.#change.notify();
  }

  /** Whether the groups are others than before. Builds none while a list is missing: labels would be, too. */
  refresh(): boolean {
    return this.isSynced && this.#index.refresh();
  }

  update(): DiscoveryUpdate {
    this.refresh();
    return {
      groups: this.isSynced ? this.#index.groups : [],
      failures: this.problems.flatMap(({ query, problem }) =>
        problem === undefined ? [] : [this.#failure(query, problem)],
      ),
      warnings: this.#warnings,
    };
  }

  close(): void {
    this.#client.destroy();
  }

  /** Worded once: a list may have come since, and the same failure is said once. */
  #failure({ resource, namespace }: Query, problem: DiscoveryError): DiscoveryError {
    const worded = this.#worded.get(problem);
    if (worded !== undefined) return worded;
    const what = namespace === undefined ? resource : `${resource} in namespace ${namespace}`;
    // No count, since other objects go on changing.
    const kept = this.isSynced
      ? 'keeping what is known of them'
      : 'there is no complete answer yet, so it gives no instances';
    const { code, message, hint, cause } = problem;
    const text = `${this.#name}: can't follow ${what}: ${message}; ${kept}`;
    const failure = new DiscoveryError(code, text, { hint, cause });
    this.#worded.set(problem, failure);
    return failure;
  }
}
