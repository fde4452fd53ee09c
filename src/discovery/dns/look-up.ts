import { Resolver } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import type { DnsDiscoveryConfig } from '../../config/discovery-config.ts';
import { errnoOf } from '../../errors.ts';
import { candidateNames, type ResolverConfig } from './resolver-config.ts';

/** One record: a host, with a port where the type has one. */
export interface DnsRecord {
  /** An address, or a name without final dot. */
  readonly host: string;
  readonly port: number | undefined;
}

export type DnsAnswer =
  /** Possibly none: the name exists and has no such records, or does not exist at all. */
  | { readonly type: 'records'; readonly records: readonly DnsRecord[] }
  /** No server could say; `code` is that of the last try, as `ESERVFAIL`. */
  | { readonly type: 'failed'; readonly code: string };

type RecordType = DnsDiscoveryConfig['type'];

/** For each server; two rounds. */
const TIMEOUT_MS = 2000;
const TRIES = 2;

/** The name does not exist, or has no records of this type. */
const NO_SUCH_NAME = 'ENOTFOUND';
const NO_RECORDS = 'ENODATA';

/**
 * Asks for a name as it stands and with the search domains, until one of them exists; whoever does not exist is passed over.
 * `dns.lookup` is of no use here: it knows addresses only, and takes threads that file access needs.
 */
export async function lookUp(
  name: string,
  type: RecordType,
  config: ResolverConfig,
  signal: AbortSignal,
): Promise<DnsAnswer> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (config.servers !== undefined) resolver.setServers(config.servers);
  const cancel = (): void => resolver.cancel();
  // One for each name; Node 20 warns of a leak at eleven.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    let failure: string | undefined;
    for (const candidate of candidateNames(name, config)) {
      signal.throwIfAborted();
      try {
        return { type: 'records', records: await recordsOf(resolver, candidate, type) };
      } catch (error) {
        const code = errnoOf(error);
        if (code === undefined) throw error;
        if (code === NO_RECORDS) return { type: 'records', records: [] };
        if (code !== NO_SUCH_NAME) failure = code;
      }
    }
    signal.throwIfAborted();
    return failure === undefined ? { type: 'records', records: [] } : { type: 'failed', code: failure };
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function recordsOf(resolver: Resolver, name: string, type: RecordType): Promise<DnsRecord[]> {
  switch (type) {
    case 'A':
      return (await resolver.resolve4(name)).map(asHost);
    case 'AAAA':
      return (await resolver.resolve6(name)).map(asHost);
    case 'SRV':
      return (await resolver.resolveSrv(name)).map(({ name: host, port }) => ({ host, port }));
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ exchange }) => asHost(exchange));
    case 'NS':
      return (await resolver.resolveNs(name)).map(asHost);
  }
}

function asHost(host: string): DnsRecord {
  return { host, port: undefined };
}
