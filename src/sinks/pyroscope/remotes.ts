import type { HttpClientConfig } from '../../config/http-client-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../config/http-client-config.ts';
import {
  type Config,
  DEFAULT_PUSH_LIMITS,
  DEFAULT_QUEUE,
  DEFAULT_REMOTE_TIMEOUT_MS,
  type RemoteWriteConfig,
} from '../../config/scrape-config.ts';
import { UsageError } from '../../errors.ts';
import { EMPTY_LABELS } from '../../labels/label-set.ts';
import { redactUrl } from '../../safe-text/redact-url.ts';

export interface RemoteSources {
  readonly config: Pick<Config, 'remoteWrite'>;
  /** Values of `--push`. */
  readonly pushUrls: readonly string[];
  /** `PYROSCOPE_SERVER_ADDRESS`, `…_BASIC_AUTH_USER`, `…_BASIC_AUTH_PASSWORD`, `…_AUTH_TOKEN`, `…_TENANT_ID`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Where profiles are pushed: the config's remotes and those of `--push`; where there are none of either, the one that
 * the environment names. The environment's credentials and tenant go to `--push` and that one only: a remote of the
 * config has its own, and must not get what was meant for another server. A `--push` URL that the config has already is
 * that remote. Throws a UsageError for a URL that is none.
 */
export function remotesFrom({ config, pushUrls, env }: RemoteSources): readonly RemoteWriteConfig[] {
  const remotes = [...config.remoteWrite];
  for (const url of pushUrls) addRemote(remotes, url, '--push', env);
  const address = env['PYROSCOPE_SERVER_ADDRESS'];
  if (remotes.length === 0 && address) addRemote(remotes, address, 'PYROSCOPE_SERVER_ADDRESS', env);
  return remotes;
}

function addRemote(remotes: RemoteWriteConfig[], text: string, source: string, env: RemoteSources['env']): void {
  const { url, api, http } = parseRemoteUrl(text, source);
  if (remotes.some((remote) => sameUrl(remote.url, url))) return;
  remotes.push({
    url,
    name: freeName(url, remotes),
    api,
    tenantId: env['PYROSCOPE_TENANT_ID'] || undefined,
    headers: new Map(),
    timeoutMs: DEFAULT_REMOTE_TIMEOUT_MS,
    tags: EMPTY_LABELS,
    writeRelabelRules: [],
    http: { ...DEFAULT_HTTP_CLIENT, ...(http ?? credentialsOf(env)) },
    queue: DEFAULT_QUEUE,
    limits: DEFAULT_PUSH_LIMITS,
  });
}

interface ParsedUrl {
  readonly url: string;
  readonly api: RemoteWriteConfig['api'];
  /** Of the URL itself; goes before the environment's. */
  readonly http: Partial<HttpClientConfig> | undefined;
}

const INGEST_PATH = /\/ingest\/?$/;
const PUSH_PATH = /\/push\.v1\.PusherService(?:\/Push)?\/?$/;

/** A pasted endpoint is cut down to the server's address; that of the push API chooses it. */
function parseRemoteUrl(text: string, source: string): ParsedUrl {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') || parsed.host === '') {
    const isHostPort = /^[\w.-]+:\d+(?:\/|$)/.test(text);
    throw new UsageError(`${source}: "${redactUrl(text)}" is not an http or https URL`, {
      hint: isHostPort ? `write http://${text}` : 'write it as http://localhost:4040',
    });
  }
  if (parsed.search !== '' || parsed.hash !== '') {
    throw new UsageError(
      `${source}: "${redactUrl(text)}" has a query or fragment, which a server's address can't have`,
      {
        hint: `write ${parsed.origin}${parsed.pathname === '/' ? '' : parsed.pathname}`,
      },
    );
  }
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  const path = parsed.pathname;
  parsed.pathname = path.replace(INGEST_PATH, '').replace(PUSH_PATH, '');
  return {
    url: parsed.href.replace(/\/$/, ''),
    api: PUSH_PATH.test(path) ? 'push' : 'ingest',
    http: username === '' && password === '' ? undefined : { basicAuth: basicAuth(decode(username), decode(password)) },
  };
}

/** A user and password go before a token, as with the old server. */
function credentialsOf(env: RemoteSources['env']): Partial<HttpClientConfig> {
  const user = env['PYROSCOPE_BASIC_AUTH_USER'];
  const password = env['PYROSCOPE_BASIC_AUTH_PASSWORD'];
  const token = env['PYROSCOPE_AUTH_TOKEN'];
  if (user && password) return { basicAuth: basicAuth(user, password) };
  return token ? { authorization: { type: 'Bearer', credentials: { value: token } } } : {};
}

function basicAuth(username: string, password: string): HttpClientConfig['basicAuth'] {
  return { username: { value: username }, password: { value: password } };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function sameUrl(a: string, b: string): boolean {
  return a.replace(/(?<!\/)\/+$/, '') === b.replace(/(?<!\/)\/+$/, '');
}

/** Host and port as in the config, so that a remote keeps its queue when it moves there. */
function freeName(url: string, remotes: readonly RemoteWriteConfig[]): string {
  const { hostname, port, protocol } = new URL(url);
  const base = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
  let name = base;
  for (let number = 2; remotes.some((remote) => remote.name === name); number++) name = `${base}-${number}`;
  return name;
}
