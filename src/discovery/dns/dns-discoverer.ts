import type { DnsDiscoveryConfig } from '../../config/discovery-config.ts';
import { DiscoveryError } from '../../errors.ts';
import { ADDRESS_LABEL, withoutEmpty } from '../../labels/label-set.ts';
import type { Discoverer, DiscoveryUpdate } from '../discoverer.ts';
import { joinAddress } from '../join-address.ts';
import type { DiscovererDeps } from '../refresh-meter.ts';
import { createRefreshingDiscoverer, type RefreshedSource } from '../refreshing.ts';
import type { TargetGroup } from '../target-group.ts';
import { whatIsKept } from '../what-is-kept.ts';
import { type DnsRecord, lookUp } from './look-up.ts';
import { type ResolverConfig, readResolverConfig } from './resolver-config.ts';

const PREFIX = '__meta_dns_';

/** What others than c-ares call its codes. */
const REASONS: Readonly<Record<string, string>> = {
  ESERVFAIL: 'SERVFAIL: the name server failed',
  EREFUSED: 'REFUSED: the name server does not answer for this name',
  ETIMEOUT: 'the name server gave no answer in time',
  ECONNREFUSED: 'no name server could be reached',
  EBADNAME: 'it is not a DNS name',
  EFORMERR: 'FORMERR: the name server did not understand the question',
  ENOTIMP: 'NOTIMP: the name server does not know this kind of question',
  EBADRESP: 'the answer makes no sense',
};

/**
 * `dns-sd-configs`: a target for each record of some names. Each name stands for itself: one that fails keeps its targets,
 * one that does not exist has none. `resolver` is the system's unless given.
 */
export function createDnsDiscoverer(
  config: DnsDiscoveryConfig,
  name: string,
  deps: DiscovererDeps,
  resolver: () => Promise<ResolverConfig> = readResolverConfig,
): Discoverer {
  return createRefreshingDiscoverer({
    name,
    intervalMs: config.refreshIntervalMs,
    deps,
    open: () => new DnsSource(config, name, deps, resolver),
  });
}

interface NameState {
  readonly group: TargetGroup | undefined;
  readonly goodAtMs: number;
  /** Why the last question has no answer. */
  readonly problem: string | undefined;
}

class DnsSource implements RefreshedSource {
  readonly #config: DnsDiscoveryConfig;
  readonly #name: string;
  readonly #deps: DiscovererDeps;
  readonly #resolver: () => Promise<ResolverConfig>;
  #states: ReadonlyMap<string, NameState> = new Map();

  constructor(config: DnsDiscoveryConfig, name: string, deps: DiscovererDeps, resolver: () => Promise<ResolverConfig>) {
    this.#config = config;
    this.#name = name;
    this.#deps = deps;
    this.#resolver = resolver;
  }

  async refresh(signal: AbortSignal): Promise<DiscoveryUpdate> {
    const names = [...new Set(this.#config.names)];
    // Read each time: it changes when a laptop or a VPN moves.
    const resolver = await this.#resolver();
    const states = await Promise.all(names.map((name) => this.#ask(name, resolver, signal)));
    this.#states = new Map(names.map((name, index) => [name, states[index] ?? UNKNOWN]));
    const groups = states.flatMap(({ group }) => (group === undefined ? [] : [group]));
    return { groups, failures: this.#failures(), warnings: [] };
  }

  close(): void {}

  async #ask(name: string, resolver: ResolverConfig, signal: AbortSignal): Promise<NameState> {
    const answer = await lookUp(name, this.#config.type, resolver, signal);
    if (answer.type === 'failed') {
      return { ...(this.#states.get(name) ?? UNKNOWN), problem: REASONS[answer.code] ?? answer.code };
    }
    const group = groupOf(name, answer.records, this.#config);
    return { group, goodAtMs: this.#deps.now(), problem: undefined };
  }

  #failures(): DiscoveryError[] {
    return [...this.#states].flatMap(([name, { group, goodAtMs, problem }]) => {
      if (problem === undefined) return [];
      const kept = whatIsKept({ groups: group && [group], goodAtMs }, 'answer');
      const message = `${this.#name}: can't look up ${this.#config.type} records of ${name}: ${problem}; ${kept}`;
      return [new DiscoveryError('SD_DNS_FAILED', message)];
    });
  }
}

const UNKNOWN: NameState = { group: undefined, goodAtMs: 0, problem: undefined };

function groupOf(name: string, records: readonly DnsRecord[], { type, port }: DnsDiscoveryConfig): TargetGroup {
  const targets = records
    .map((record) => ({ ...record, host: record.host.replace(/\.$/, ''), port: record.port ?? port ?? 0 }))
    .map(({ host, port }) =>
      withoutEmpty([
        [ADDRESS_LABEL, joinAddress(host, port)],
        [`${PREFIX}name`, name],
        // The final dot, which Node takes away, is what relabel rules written for Prometheus expect here.
        [`${PREFIX}srv_record_target`, type === 'SRV' ? `${host}.` : ''],
        [`${PREFIX}srv_record_port`, type === 'SRV' ? String(port) : ''],
        [`${PREFIX}mx_record_target`, type === 'MX' ? `${host}.` : ''],
        [`${PREFIX}ns_record_target`, type === 'NS' ? `${host}.` : ''],
      ]),
    );
  // Servers rotate their records from answer to answer, which is no news.
  const byAddress = new Map(targets.map((target) => [target.get(ADDRESS_LABEL) ?? '', target]));
  const sorted = [...byAddress].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
  return { source: name, labels: new Map(), targets: sorted };
}
