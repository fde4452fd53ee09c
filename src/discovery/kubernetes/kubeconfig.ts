import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig, type Secret } from '../../config/http-client-config.ts';
import { DiscoveryError, errnoOf } from '../../errors.ts';
import { isMap, type JsonMap, listOf, mapOf, textOf, textsOf } from '../json.ts';
import { EXEC_API_VERSIONS, type ExecPlugin } from './exec-plugin.ts';

export interface ServerAccess {
  /** Without a final slash. */
  readonly url: string;
  readonly http: HttpClientConfig;
  /** Where the credentials come from a program. */
  readonly exec?: ExecPlugin | undefined;
}

/** Ways to log in that there are not; each with what it is. */
const REFUSED: Readonly<Record<string, string>> = {
  'auth-provider': 'an auth-provider plugin',
  as: 'impersonation (as)',
  'as-uid': 'impersonation (as-uid)',
  'as-groups': 'impersonation (as-groups)',
  'as-user-extra': 'impersonation (as-user-extra)',
};

const NO_PLUGIN_HINT = 'give the user a token or a client certificate, or run in the cluster';

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
    throw invalid(`user "${userName}" of ${file} needs ${what}, which is not supported`, NO_PLUGIN_HINT);
  }
  const url = textOf(cluster['server']).replace(/(?<!\/)\/+$/, '');
  if (!/^https?:\/\//i.test(url)) throw invalid(`cluster "${textOf(context['cluster'])}" of ${file} has no server URL`);
  const directory = dirname(file);
  const proxyUrl = textOf(cluster['proxy-url']);
  return {
    url,
    exec: isMap(user['exec'])
      ? execPlugin(user['exec'], cluster, { owner: `user "${userName}" of ${file}`, directory })
      : undefined,
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

/** Only what stands in the kubeconfig is ever run. */
function execPlugin(
  exec: JsonMap,
  cluster: JsonMap,
  { owner, directory }: { readonly owner: string; readonly directory: string },
): ExecPlugin {
  const command = textOf(exec['command']);
  if (command === '') throw invalid(`${owner} has exec without a command`);
  const written = textOf(exec['apiVersion']);
  const apiVersion = EXEC_API_VERSIONS.find((one) => one === written);
  if (apiVersion === undefined) {
    const update = 'aws eks update-kubeconfig and its like write a newer one';
    throw invalid(`${owner} has exec of apiVersion "${written}"; known: ${EXEC_API_VERSIONS.join(', ')}`, update);
  }
  if (exec['interactiveMode'] === 'Always') {
    throw invalid(`${owner} has exec that asks at a terminal (interactiveMode: Always)`, NO_PLUGIN_HINT);
  }
  const env = listOf(exec['env'])
    .map(mapOf)
    .map(({ name, value }) => [textOf(name), textOf(value)] as const);
  return {
    owner,
    apiVersion,
    // As in client-go: a name alone is sought in PATH, everything else beside the kubeconfig.
    command: command.includes('/') ? resolve(command, directory) : command,
    args: textsOf(exec['args']),
    env: new Map(env.filter(([name]) => name !== '')),
    installHint: textOf(exec['installHint']) || undefined,
    cluster: exec['provideClusterInfo'] === true ? clusterInfo(cluster, directory) : undefined,
  };
}

/** The `spec.cluster` of an ExecCredential. */
function clusterInfo(cluster: JsonMap, directory: string): JsonMap {
  const { extensions, 'certificate-authority': caFile, ...rest } = cluster;
  const own = listOf(extensions)
    .map(mapOf)
    .find(({ name }) => name === 'client.authentication.k8s.io/exec');
  const caPath = textOf(caFile);
  const hasData = textOf(rest['certificate-authority-data']) !== '';
  return {
    ...rest,
    ...(caPath !== '' && !hasData && { 'certificate-authority-data': readBase64(resolve(caPath, directory)) }),
    ...(own && { config: own['extension'] }),
  };
}

function readBase64(file: string): string {
  try {
    return readFileSync(file).toString('base64');
  } catch (error) {
    throw invalid(`can't read ${file}`, undefined, error);
  }
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
