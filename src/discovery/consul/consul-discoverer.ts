import type { ConsulDiscoveryConfig } from '../../config/discovery-config.ts';
import { DiscoveryError } from '../../errors.ts';
import { createHttpClient } from '../../http/client.ts';
import type { Environment } from '../../http/proxy.ts';
import { ChangeSignal } from '../change-signal.ts';
import type { Discoverer, DiscoveryUpdate } from '../discoverer.ts';
import { isLoopback } from '../is-loopback.ts';
import type { DiscovererDeps } from '../refresh-meter.ts';
import { isSameUpdate } from '../same-update.ts';
import { followQuery } from './blocking-query.ts';
import { type ConsulAnswer, ConsulApi } from './consul-api.ts';
import { type Asked, type AskedService, isComplete, NOT_ASKED, SERVICE_NOT_ASKED, updateOf } from './consul-state.ts';
import { serviceGroup } from './service-group.ts';

const RETRY_MS = 15_000;

/** `consul-sd-configs`: the instances of services, from the catalog and the health endpoint with blocking queries. */
export class ConsulDiscoverer implements Discoverer {
  readonly name: string;
  readonly #config: ConsulDiscoveryConfig;
  readonly #deps: DiscovererDeps;
  readonly #environment: Environment;

  constructor(config: ConsulDiscoveryConfig, name: string, deps: DiscovererDeps, environment: Environment) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    this.#environment = environment;
  }

  async once(signal: AbortSignal): Promise<DiscoveryUpdate> {
    const run = this.#open();
    try {
      const update = await run.once(signal);
      signal.throwIfAborted();
      return update;
    } finally {
      run.close();
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<DiscoveryUpdate> {
    const run = this.#open();
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    let fault: { readonly error: unknown } | undefined;
    const following = run.follow(until).catch((error: unknown) => {
      fault = { error };
      run.notify();
    });
    let last: DiscoveryUpdate | undefined;
    try {
      while (!until.aborted) {
        await run.changed(until);
        if (fault !== undefined) throw fault.error;
        const update = run.update();
        if (until.aborted || update === undefined) continue;
        if (last === undefined || !isSameUpdate(last, update)) {
          last = update;
          yield update;
        }
      }
    } finally {
      stop.abort();
      run.close();
      await following;
    }
  }

  #open(): ConsulRun {
    return new ConsulRun(this.#config, this.name, this.#deps, this.#environment);
  }
}

/** One run: a client, and what it has learnt. */
class ConsulRun {
  readonly #config: ConsulDiscoveryConfig;
  readonly #name: string;
  readonly #deps: DiscovererDeps;
  readonly #client: ReturnType<typeof createHttpClient>;
  readonly #api: ConsulApi;
  readonly #change = new ChangeSignal();
  readonly #services = new Map<string, AskedService>();
  /** Ends the watch of a service. */
  readonly #stops = new Map<string, AbortController>();
  #datacenter: Asked = NOT_ASKED;
  #datacenterName = '';
  #catalog: Asked | undefined;

  constructor(config: ConsulDiscoveryConfig, name: string, deps: DiscovererDeps, environment: Environment) {
    this.#config = config;
    this.#name = name;
    this.#deps = deps;
    this.#client = createHttpClient(withToken(config), { environment });
    this.#api = new ConsulApi(config, this.#client);
    this.#catalog = usesCatalog(config) ? NOT_ASKED : undefined;
  }

  close(): void {
    this.#client.destroy();
  }

  /** Undefined until there is a first full answer. */
  update(): DiscoveryUpdate | undefined {
    const state = { datacenter: this.#datacenter, catalog: this.#catalog, services: this.#services };
    return isComplete(state) ? updateOf(state, this.#name, notesOn(this.#config, this.#name)) : undefined;
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#change.next(signal);
  }

  /** Wakes whoever waits for a change. */
  notify(): void {
    this.#change.notify();
  }

  /** Asks everything once, without waiting for changes. */
  async once(signal: AbortSignal): Promise<DiscoveryUpdate> {
    await this.#findDatacenter(signal);
    if (this.#datacenter.problem === undefined) {
      let names: Iterable<string> = this.#config.services;
      if (this.#catalog !== undefined) {
        try {
          const answer = await this.#api.services(undefined, signal);
          this.#catalog = answered(answer);
          names = this.#selected(answer.value);
        } catch (error) {
          this.#catalog = failed(this.#catalog, error);
          names = [];
        }
      }
      await Promise.all([...new Set(names)].map((service) => this.#askOnce(service, signal)));
    }
    return updateOf(
      { datacenter: this.#datacenter, catalog: this.#catalog, services: this.#services },
      this.#name,
      notesOn(this.#config, this.#name),
    );
  }

  /** Keeps asking until the signal. */
  async follow(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#findDatacenter(signal);
      if (signal.aborted) return;
      this.#change.notify();
      if (this.#datacenter.problem === undefined) break;
      this.#deps.meter?.failed();
      await this.#deps.sleep(RETRY_MS, signal);
    }
    if (this.#catalog === undefined) {
      this.#change.notify();
      await Promise.all([...new Set(this.#config.services)].map((service) => this.#followService(service, signal)));
      return;
    }
    const services = new Set<Promise<void>>();
    await followQuery(
      {
        deps: this.#deps,
        intervalMs: this.#config.refreshIntervalMs,
        ask: (since, signal) => this.#api.services(since, signal),
        onAnswer: (answer) => {
          this.#catalog = answered(answer);
          this.#dropServicesExcept(answer.value);
          for (const service of this.#selected(answer.value)) {
            if (this.#stops.has(service)) continue;
            const followed = this.#followService(service, signal).finally(() => services.delete(followed));
            services.add(followed);
          }
          this.#change.notify();
        },
        onFailure: (error) => {
          this.#catalog = failed(this.#catalog ?? NOT_ASKED, error);
          this.#change.notify();
        },
      },
      signal,
    );
    await Promise.all(services);
  }

  /** Wanted by the config. A service's tags in the catalog are those of all its instances together. */
  #selected(catalog: ReadonlyMap<string, readonly string[]>): string[] {
    const { services, tags } = this.#config;
    return [...catalog]
      .filter(([name, known]) => {
        return (services.length === 0 || services.includes(name)) && tags.every((tag) => known.includes(tag));
      })
      .map(([name]) => name);
  }

  /** A service that is listed without its tags stays: its health query, which has the tags, then gives nothing. */
  #dropServicesExcept(catalog: ReadonlyMap<string, unknown>): void {
    for (const [service, stop] of this.#stops) {
      if (catalog.has(service)) continue;
      stop.abort();
      this.#stops.delete(service);
      this.#services.delete(service);
    }
  }

  async #followService(service: string, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(service, stop);
    this.#services.set(service, SERVICE_NOT_ASKED);
    await followQuery(
      {
        deps: this.#deps,
        intervalMs: this.#config.refreshIntervalMs,
        ask: (since, signal) => this.#api.instances(service, since, signal),
        onAnswer: (answer) => {
          this.#services.set(service, this.#serviceAnswered(service, answer));
          this.#change.notify();
        },
        onFailure: (error) => {
          const known = this.#services.get(service) ?? SERVICE_NOT_ASKED;
          this.#services.set(service, { ...known, ...failed(known, error) });
          this.#change.notify();
        },
      },
      AbortSignal.any([signal, stop.signal]),
    );
  }

  async #askOnce(service: string, signal: AbortSignal): Promise<void> {
    try {
      this.#services.set(
        service,
        this.#serviceAnswered(service, await this.#api.instances(service, undefined, signal)),
      );
    } catch (error) {
      this.#services.set(service, { ...SERVICE_NOT_ASKED, ...failed(NOT_ASKED, error) });
    }
  }

  #serviceAnswered(service: string, answer: ConsulAnswer<readonly unknown[]>): AskedService {
    const group = serviceGroup(service, this.#datacenterName, answer.value, this.#config);
    return { ...answered(answer), group, goodAtMs: this.#deps.now() };
  }

  /** Only for the label: queries without `dc` go to the agent's own datacenter anyway. */
  async #findDatacenter(signal: AbortSignal): Promise<void> {
    try {
      this.#datacenterName = this.#config.datacenter ?? (await this.#api.ownDatacenter(signal));
      this.#datacenter = { ...NOT_ASKED, hasAnswer: true };
    } catch (error) {
      this.#datacenter = failed(this.#datacenter, error);
    }
  }
}

function usesCatalog({ services, tags, filter }: ConsulDiscoveryConfig): boolean {
  return services.length === 0 || tags.length > 0 || filter !== undefined;
}

function answered({ isFiltered }: ConsulAnswer<unknown>): Asked {
  return { isFiltered, problem: undefined, hasAnswer: true };
}

function failed(asked: Asked, error: unknown): Asked {
  if (!(error instanceof DiscoveryError)) throw error;
  return { ...asked, problem: error };
}

/** As a configured header the token stays behind when a redirect leads to another host. */
function withToken({ http, token }: ConsulDiscoveryConfig): ConsulDiscoveryConfig['http'] {
  if (token === undefined) return http;
  return { ...http, headers: new Map([...http.headers, ['X-Consul-Token', { values: [{ value: token }] }]]) };
}

function notesOn({ scheme, server, token }: ConsulDiscoveryConfig, name: string): string[] {
  if (token === undefined || scheme === 'https' || isLoopback(server)) return [];
  return [`${name}: the token goes to ${server} without encryption: use https`];
}
