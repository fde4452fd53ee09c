import { basename } from 'node:path';
import type { StaticGroup } from '../config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../config/http-client-config.ts';
import { PRESETS } from '../config/presets.ts';
import {
  type Config,
  DEFAULT_BODY_SIZE_LIMIT_BYTES,
  DEFAULT_SCRAPE_INTERVAL_MS,
  type ScrapeConfig,
} from '../config/scrape-config.ts';
import { ValueError } from '../config/value-error.ts';
import { UsageError } from '../errors.ts';
import { EMPTY_LABELS, PROFILE_PREFIX, SCHEME_LABEL } from '../labels/label-set.ts';
import { isSocketAddress, parseOrigin } from './address.ts';

const AD_HOC_PROFILES = ['cpu', 'mem', 'goroutines', 'mutex', 'block'];

/**
 * The config behind `scrape host:port …`: one job named `cli` with five profiles of each instance, application = host name.
 * An address may be a URL; its path goes before the profiles' paths. Throws a `UsageError`.
 */
export function adHocConfig(targets: readonly string[]): Config {
  return {
    path: undefined,
    logLevel: undefined,
    externalLabels: EMPTY_LABELS,
    shard: undefined,
    scrapeConfigs: [adHocJob(targets)],
    output: { dir: undefined, stateDir: undefined, maxAgeMs: 0, maxBytes: 0 },
    remoteWrite: [],
  };
}

function adHocJob(targets: readonly string[]): ScrapeConfig {
  return {
    jobName: 'cli',
    kind: 'pyroscope',
    scheme: 'http',
    metricsPath: undefined,
    scrapeIntervalMs: DEFAULT_SCRAPE_INTERVAL_MS,
    scrapeTimeoutMs: undefined,
    bodySizeLimitBytes: DEFAULT_BODY_SIZE_LIMIT_BYTES,
    targetLimit: 0,
    enabledProfiles: AD_HOC_PROFILES,
    profiles: PRESETS,
    params: new Map(),
    relabelRules: [],
    discovery: [{ mechanism: 'static', groups: targets.map(groupOf), dir: '.' }],
    http: DEFAULT_HTTP_CLIENT,
    onCounterReset: 'emit',
    isExclusive: false,
    sampleLabels: 'sanitize',
    shard: undefined,
    sample: undefined,
  };
}

function groupOf(argument: string): StaticGroup {
  const { scheme, address, prefix } = splitArgument(argument);
  const labels = new Map([[SCHEME_LABEL, scheme]]);
  if (prefix !== '') {
    for (const name of AD_HOC_PROFILES) labels.set(`${PROFILE_PREFIX}${name}_path`, prefix + PRESETS.get(name)?.path);
  }
  return { targets: [address], labels, application: applicationOf(argument, address, scheme), spyName: undefined };
}

/** The host name, with `_` for what an application name may not have (the colons of IPv6). */
function applicationOf(argument: string, address: string, scheme: string): string {
  try {
    const { hostname, socketPath } = parseOrigin(address, scheme, '', '.');
    return (socketPath === undefined ? hostname : basename(socketPath, '.sock')).replace(/[^A-Za-z0-9_.-]/g, '_');
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw usageError(argument, error.message, error.hint ?? '');
  }
}

interface Argument {
  readonly scheme: string;
  readonly address: string;
  /** Without a slash at the end; empty for none. */
  readonly prefix: string;
}

/** `host:port`, `host:port/prefix`, a URL, or a unix socket. What a browser's address bar holds after `/debug/pprof` is cut off. */
function splitArgument(argument: string): Argument {
  if (isSocketAddress(argument)) return { scheme: 'http', address: argument, prefix: '' };
  const parts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)(\/[^?#]*)?([?#].*)?$/is.exec(argument);
  const [, scheme = 'http', address = '', path = '', query = ''] = parts ?? [];
  if (address === '') throw usageError(argument, 'there is no host in it', 'give host:port or a URL');
  if (/^\d+$/.test(address))
    throw usageError(argument, 'that is only a number', `give host:port: localhost:${address}`);
  if (address.includes('@')) {
    throw usageError(argument, 'user and password are not taken from a URL', 'put basic-auth into a scrape config');
  }
  const pprof = /\/debug\/pprof(?:\/|$)/.exec(path);
  if (pprof === null && query !== '') {
    throw usageError(
      argument,
      'an address has no query',
      'parameters go into profiles.<name>.params of a scrape config',
    );
  }
  const prefix = (pprof === null ? path : path.slice(0, pprof.index)).replace(/(?<!\/)\/+$/, '');
  return { scheme, address, prefix: decoded(argument, prefix) };
}

/** Paths are kept as plain text and encoded when a request is made. */
function decoded(argument: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw usageError(argument, 'its path is not encoded right', 'write % as %25');
  }
}

function usageError(argument: string, problem: string, hint: string): UsageError {
  const shown = argument.replace(/^([^/]*\/\/)?[^/]*@/s, '$1<secret>@');
  return new UsageError(`address ${JSON.stringify(shown)}: ${problem}`, { hint });
}
