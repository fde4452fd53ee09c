import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { createAuthority } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.ts';
import { buildCommand } from '../support/go-toolchain.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilReady } from '../support/program.ts';
import { start as startEtcd } from './etcd.ts';

/** Builds the server from its module; about ten minutes on a machine that has never done it. */
export function prepare(): Promise<string> {
  // Without the profile that it would be optimised by, which costs more than it gives here.
  return buildCommand('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver', ['-pgo=off']);
}

/** It takes seconds, and far longer on a busy machine. */
const START_MS = 120_000;
/** May do everything. */
const ADMIN_TOKEN = 'admin';
/** Whom the client certificate names; may do nothing until a test lets it. */
const CERTIFICATE_USER = 'certified';

export interface KubeApiServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Of the authority that signed the server's certificate, and client certificates. */
  readonly caFile: string;
  readonly adminToken: string;
  /** The user `certified`, as PEM files. */
  readonly clientCertificate: { readonly name: string; readonly certFile: string; readonly keyFile: string };
  /** Where etcd takes requests: `host:port`. */
  readonly etcdAddress: string;
  /** Sends a request and gives the answer's JSON. Rejects where the answer is no success. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** Ends the server and leaves etcd, so that `begin` goes on with the same objects. */
  end(): Promise<void>;
  begin(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * An API server over TLS with an etcd of its own: no kubelet, scheduler or controller, so pods and all that stands in their
 * status are made through the API.
 */
export async function start(): Promise<KubeApiServer> {
  const executable = await prepare();
  const etcd = await startEtcd();
  const directory = freshDirectory('kube-apiserver');
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const files = writeFiles(directory);
  const command = [
    executable,
    `--etcd-servers=http://${etcd.address}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    // Else it looks for a default route, and there may be none.
    '--advertise-address=127.0.0.1',
    `--tls-cert-file=${files.cert}`,
    `--tls-private-key-file=${files.key}`,
    `--client-ca-file=${files.ca}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    `--service-account-issuer=${url}/`,
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    // Nobody makes the service accounts that pods would need.
    '--disable-admission-plugins=ServiceAccount',
    '--authorization-mode=RBAC',
    `--token-auth-file=${files.tokens}`,
    '--endpoint-reconciler-type=none',
    '--enable-priority-and-fairness=false',
  ];
  const connections = new Agent({ connect: { ca: files.authority.cert } });
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const patch = 'application/merge-patch+json';
    const response = await request(`${url}${path}`, {
      method,
      dispatcher: connections,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        'content-type': method === 'PATCH' ? patch : 'application/json',
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) {
      throw new Error(`the API server answers ${response.statusCode} to ${method} ${path}: ${text.slice(0, 1_000)}`);
    }
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
  const run = async () => {
    const program = startProgram('kube-apiserver', command);
    const isReady = async (): Promise<true | undefined> => {
      try {
        await ask('GET', '/readyz');
        // Made by the server itself, a moment after it is ready.
        await ask('GET', '/api/v1/namespaces/default');
        return true;
      } catch {
        return undefined;
      }
    };
    await untilReady(program, isReady, START_MS);
    return program;
  };
  let program = await run();
  return {
    url,
    port,
    get pid() {
      return program.pid;
    },
    caFile: files.ca,
    adminToken: ADMIN_TOKEN,
    clientCertificate: { name: CERTIFICATE_USER, certFile: files.clientCert, keyFile: files.clientKey },
    etcdAddress: etcd.address,
    ask,
    end: () => program.stop(),
    begin: async () => {
      program = await run();
    },
    stop: async () => {
      await connections.destroy();
      await program.stop();
      await etcd.stop();
    },
  };
}

function writeFiles(directory: string) {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const authority = createAuthority('kubernetes');
  const server = authority.issue('kube-apiserver', { hosts: ['127.0.0.1', 'kubernetes.default.svc'] });
  const client = authority.issue(CERTIFICATE_USER);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    authority,
    ca: write('ca.crt', authority.cert),
    cert: write('server.crt', server.cert),
    key: write('server.key', server.key),
    clientCert: write('client.crt', client.cert),
    clientKey: write('client.key', client.key),
    serviceAccountKey: write('sa.key', privateKey.export({ type: 'sec1', format: 'pem' }).toString()),
    tokens: write('tokens.csv', `${ADMIN_TOKEN},admin,1,"system:masters"\n`),
  };
}

const tokenRequest = z.object({ status: z.object({ token: z.string() }) });

/** Makes a service account, or takes the one that is there, and gives a token of it that lasts for an hour. */
export async function tokenOf(server: KubeApiServer, namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await server.ask('POST', accounts, { metadata: { name } }).catch((error: unknown) => {
    if (!String(error).includes('AlreadyExists')) throw error;
  });
  const answer = await server.ask('POST', `${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } });
  return tokenRequest.parse(answer).status.token;
}

const anyObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const resourceList = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

/**
 * Makes an object of any kind, as `kubectl create --validate=strict` does. With `isDryRun` the server only says whether it would;
 * the object's namespace has to be there all the same.
 */
export async function create(
  server: KubeApiServer,
  value: unknown,
  { isDryRun }: { isDryRun: boolean },
): Promise<void> {
  const object = anyObject.parse(value);
  const group = `${object.apiVersion.includes('/') ? '/apis' : '/api'}/${object.apiVersion}`;
  const { resources } = resourceList.parse(await server.ask('GET', group));
  const resource = resources.find(({ kind, name }) => kind === object.kind && !name.includes('/'));
  if (resource === undefined) throw new Error(`the API server knows no ${object.kind} in ${object.apiVersion}`);
  const scope = resource.namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : '';
  const dryRun = isDryRun ? '&dryRun=All' : '';
  await server.ask('POST', `${group}${scope}/${resource.name}?fieldValidation=Strict${dryRun}`, object);
}
