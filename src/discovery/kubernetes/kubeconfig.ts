import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig, type Secret } from '../../config/http-client-config.ts';
import { DiscoveryError, errnoOf } from '../../errors.ts';
import { isMap, type JsonMap, listOf, mapOf, textOf } from '../json.ts';

export interface ServerAccess {
  /** Without a final slash. */
  readonly url: string;
  readonly http: HttpClientConfig;
}

/** Ways to log in that need more than reading a file; each with what it is. */
const REFUSED: Readonly<Record<string, string>> = {
  exec: 'a program that fetches credentials (exec)',
  'auth-provider': 'an auth-provider plugin',
  as: 'impersonation (as)',
  'as-uid': 'impersonation (as-uid)',
  'as-groups': 'impersonation (as-groups)',
  'as-user-extra': 'impersonation (as-user-extra)',
};

/** Server and credentials of a kubeconfig's current context. Throws a `DiscoveryError` without any of its secrets. */
export async function readKubeconfig(file: string): Promise<ServerAccess> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason =
      errnoOf(error) === 'ENOENT' ? 'no such file' : error instanceof Error ? error.message : String(error);
    throw invalid(`can't read ${file}: ${reason}`, undefined, error);
  }
  return accessOf(parsed(text, file), file);
}

function parsed(text: string, file: string): JsonMap {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    // The parser's message shows the line, which may hold a token.
    throw invalid(`${file} is neither YAML nor JSON`);
  }
  if (!isMap(value)) throw invalid(`${file} is no kubeconfig`, 'it begins with apiVersion: v1 and kind: Config');
  return value;
}

function accessOf(config: JsonMap, file: string): ServerAccess {
  const current = textOf(config['current-context']);
  if (current === '') throw invalid(`${file} has no current-context`, 'kubectl config use-context sets one');
  const context = entry(config['contexts'], current, 'context', file);
  const cluster = entry(config['clusters'], textOf(context['cluster']), 'cluster', file);
  const userName = textOf(context['user']);
  const user = userName === '' ? {} : entry(config['users'], userName, 'user', file);
  for (const [key, what] of Object.entries(REFUSED)) {
    if (user[key] === undefined || user[key] === null) continue;
    throw invalid(
      `user "${userName}" of ${file} needs ${what}, which is not supported`,
      'give the user a token or a client certificate, or run in the cluster',
    );
  }
  const url = textOf(cluster['server']).replace(/\/+$/, '');
  if (!/^https?:\/\//i.test(url)) throw invalid(`cluster "${textOf(context['cluster'])}" of ${file} has no server URL`);
  const directory = dirname(file);
  const proxyUrl = textOf(cluster['proxy-url']);
  return {
    url,
    http: {
      ...DEFAULT_HTTP_CLIENT,
      ...credentials(user, directory),
      tls: {
        ca: material(cluster, 'certificate-authority', directory),
        cert: material(user, 'client-certificate', directory),
        key: material(user, 'client-key', directory),
        serverName: textOf(cluster['tls-server-name']) || undefined,
        insecureSkipVerify: cluster['insecure-skip-tls-verify'] === true,
        minVersion: undefined,
        maxVersion: undefined,
      },
      proxy:
        proxyUrl === ''
          ? undefined
          : { url: proxyUrl, fromEnvironment: false, noProxy: undefined, connectHeaders: new Map() },
    },
  };
}

/** The part of a named entry that has the entry's kind as key. */
function entry(list: unknown, name: string, kind: 'context' | 'cluster' | 'user', file: string): JsonMap {
  const found = listOf(list)
    .map(mapOf)
    .find((one) => one['name'] === name);
  if (found === undefined) throw invalid(`${file} has no ${kind} "${name}", which its current context names`);
  return mapOf(found[kind]);
}

/** A token file is read again and again, and so is preferred to a token in place. */
function credentials(user: JsonMap, directory: string): Pick<HttpClientConfig, 'basicAuth' | 'authorization'> {
  const token = secretOf(textOf(user['token']), textOf(user['tokenFile']), directory);
  const username = textOf(user['username']);
  return {
    authorization: token && { type: 'Bearer', credentials: token },
    basicAuth:
      token === undefined && username !== ''
        ? { username: { value: username }, password: { value: textOf(user['password']) } }
        : undefined,
  };
}

function secretOf(value: string, file: string, directory: string): Secret | undefined {
  if (file !== '') return { file: resolve(file, directory) };
  return value === '' ? undefined : { value };
}

/** PEM text, in place as base64 or in a file. In place wins. */
function material(map: JsonMap, key: string, directory: string): Secret | undefined {
  const data = textOf(map[`${key}-data`]);
  if (data !== '') return { value: Buffer.from(data, 'base64').toString() };
  const file = textOf(map[key]);
  return file === '' ? undefined : { file: resolve(file, directory) };
}

function resolve(path: string, directory: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

function invalid(message: string, hint?: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError('SD_KUBERNETES_CONFIG', message, { hint, cause });
}
