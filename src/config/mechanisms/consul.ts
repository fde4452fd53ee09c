import type * as z from 'zod/mini';
import type { ConsulDiscoveryConfig } from '../discovery-config.ts';
import { quote } from '../document/tree.ts';
import type { HttpClientConfig } from '../http-client-config.ts';
import { httpClientFrom, httpClientKeys } from '../schema/http-client.ts';
import { exclude } from '../schema/http-client-rules.ts';
import { boolean, duration, POSITIVE_MS, scalar, text, textOf, word } from '../schema/scalars.ts';
import { mapping, textMap, texts } from '../schema/structures.ts';
import { ValueError } from '../value-error.ts';
import { discoveryBlock } from './block.ts';

const DEFAULT_SERVER = 'localhost:8500';
const DEFAULT_REFRESH_MS = 30_000;

const item = mapping(() => ({
  server: consulServer(),
  scheme: word(['http', 'https'], { ignoresCase: true }),
  'path-prefix': text(),
  token: text(),
  datacenter: text(),
  namespace: text(),
  partition: text(),
  username: text(),
  password: text(),
  services: texts(),
  tags: texts(),
  'node-meta': textMap(),
  filter: text(),
  'health-filter': text(),
  'tag-separator': text(),
  'allow-stale': boolean(),
  'refresh-interval': duration(POSITIVE_MS),
  ...httpClientKeys,
}));

type Written = z.output<typeof item>;

export const consulSdConfigs = discoveryBlock(item, (written, report, context): ConsulDiscoveryConfig => {
  exclude(report, ['token', 'authorization']);
  exclude(report, ['token', 'oauth2']);
  exclude(report, ['username', 'basic-auth']);
  exclude(report, ['password', 'basic-auth']);
  const { scheme, server } = written.server ?? { scheme: undefined, server: DEFAULT_SERVER };
  return {
    mechanism: 'consul',
    server,
    scheme: scheme ?? written.scheme ?? 'http',
    pathPrefix: written['path-prefix'] || undefined,
    token: written.token || undefined,
    datacenter: written.datacenter || undefined,
    namespace: written.namespace || undefined,
    partition: written.partition || undefined,
    tagSeparator: written['tag-separator'] ?? ',',
    allowStale: written['allow-stale'] ?? true,
    refreshIntervalMs: written['refresh-interval'] ?? DEFAULT_REFRESH_MS,
    services: written.services ?? [],
    tags: written.tags ?? [],
    nodeMeta: written['node-meta'] ?? new Map(),
    filter: written.filter || undefined,
    healthFilter: written['health-filter'] || undefined,
    http: withLogin(written, httpClientFrom(written, report, context)),
  };
});

/** `host:port`, where Consul's own tools also take a URL; then its scheme counts. */
function consulServer() {
  return scalar('host:port', (node): { scheme: 'http' | 'https' | undefined; server: string } => {
    const written = textOf(node);
    const [, scheme, rest = ''] = /^(?:([a-z]+):\/\/)?(.*?)\/?$/is.exec(written) ?? [];
    if (rest === '') throw new ValueError('the server is empty', `as in ${DEFAULT_SERVER}`);
    const lower = scheme?.toLowerCase();
    if (lower === 'unix')
      throw new ValueError('a Unix socket is not supported', `give host:port, as in ${DEFAULT_SERVER}`);
    if (lower !== undefined && lower !== 'http' && lower !== 'https') {
      throw new ValueError(`scheme ${scheme} is not supported`, 'use http or https');
    }
    if (/[\s/@?#]/.test(rest)) {
      throw new ValueError(
        `${quote(rest.replace(/^.*@/, 'xxxxx@'))} is not host:port`,
        `as in ${DEFAULT_SERVER}; credentials and path-prefix have their own keys`,
      );
    }
    return { scheme: lower, server: rest };
  });
}

/** The old spelling of basic-auth. */
function withLogin({ username, password }: Written, http: HttpClientConfig): HttpClientConfig {
  if (username === undefined && password === undefined) return http;
  return {
    ...http,
    basicAuth: {
      username: { value: username ?? '' },
      password: password === undefined ? undefined : { value: password },
    },
  };
}
