import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubernetesDiscoveryConfig } from '../../config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../config/http-client-config.ts';
import { DiscoveryError } from '../../errors.ts';
import { addressOf } from '../../http/address.ts';
import type { Environment } from '../../http/proxy.ts';
import { isLoopback } from '../is-loopback.ts';
import { joinAddress } from '../join-address.ts';
import { readKubeconfig, type ServerAccess } from './kubeconfig.ts';

/** Where the kubelet puts a pod's credentials. */
export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where to find the cluster that this process may be in. */
export interface ClusterAround {
  readonly environment: Environment;
  readonly serviceAccountDir: string;
}

export interface FoundServer extends ServerAccess {
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly warnings: readonly string[];
}

/** The server and the credentials for it: of a kubeconfig, of the config itself, else those of the pod. Throws a `DiscoveryError`. */
export async function findServer(config: KubernetesDiscoveryConfig, around: ClusterAround): Promise<FoundServer> {
  const { apiServer, kubeconfigFile, http } = config;
  const { names, ownNamespace } = config.namespaces;
  if (kubeconfigFile === undefined && apiServer === undefined) {
    const { warnings, ...server } = await serverAround(around);
    const all = ownNamespace ? [...new Set([...names, await namespaceAround(around)])] : names;
    return { ...server, namespaces: all.length === 0 ? undefined : all, warnings };
  }
  const server: ServerAccess =
    kubeconfigFile === undefined ? { url: apiServer ?? '', http } : await readKubeconfig(kubeconfigFile);
  refusePlainCredentials(server);
  return { ...server, namespaces: names.length === 0 ? undefined : names, warnings: [] };
}

async function serverAround({
  environment,
  serviceAccountDir,
}: ClusterAround): Promise<ServerAccess & { warnings: string[] }> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') {
    throw failure(
      'not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
      'outside of a cluster set kubeconfig-file or api-server',
    );
  }
  const ca = join(serviceAccountDir, 'ca.crt');
  const hasCa = await isReadable(ca);
  return {
    url: `https://${joinAddress(host, port)}`,
    http: {
      ...DEFAULT_HTTP_CLIENT,
      // The kubelet rewrites the token long before it ends; the HTTP client reads the file again.
      authorization: { type: 'Bearer', credentials: { file: join(serviceAccountDir, 'token') } },
      tls: {
        ca: hasCa ? { file: ca } : undefined,
        cert: undefined,
        key: undefined,
        serverName: undefined,
        insecureSkipVerify: false,
        minVersion: undefined,
        maxVersion: undefined,
      },
    },
    warnings: hasCa ? [] : [`can't read ${ca}: the system's certificate authorities are used`],
  };
}

async function namespaceAround({ serviceAccountDir }: ClusterAround): Promise<string> {
  const file = join(serviceAccountDir, 'namespace');
  let namespace = '';
  try {
    namespace = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw failure(`can't read ${file} for own-namespace`, 'name the namespace under namespaces.names', error);
  }
  if (namespace === '') throw failure(`${file} is empty`, 'name the namespace under namespaces.names');
  return namespace;
}

/** A token that is sent in the clear is everybody's. */
function refusePlainCredentials({ url, http, exec }: ServerAccess): void {
  if (!/^http:/i.test(url) || !(hasCredentials(http) || exec) || isLoopback(addressOf(url).origin.hostname)) return;
  throw failure(`${url}: credentials are not sent without TLS to another machine`, 'use an https URL');
}

function hasCredentials({ authorization, basicAuth, oauth2 }: HttpClientConfig): boolean {
  return authorization !== undefined || basicAuth !== undefined || oauth2 !== undefined;
}

async function isReadable(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function failure(message: string, hint: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError('SD_KUBERNETES_CONFIG', message, { hint, cause });
}
