import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { HttpError } from '../../errors.ts';
import type { Environment } from '../../http/proxy.ts';
import { isMap, type JsonMap, mapOf, textOf } from '../json.ts';

/** The program that a user of a kubeconfig fetches its credentials with. */
export interface ExecPlugin {
  /** For messages: `user "eks" of ~/.kube/config`. */
  readonly owner: string;
  readonly apiVersion: ExecApiVersion;
  /** A path, or a name that is sought in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly installHint: string | undefined;
  /** What it is told about the cluster; undefined where it does not ask. */
  readonly cluster: JsonMap | undefined;
}

export const EXEC_API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;

export type ExecApiVersion = (typeof EXEC_API_VERSIONS)[number];

/** What the program gave. One of token and certificate at least. */
export interface ExecCredential {
  readonly token: string | undefined;
  /** PEM texts, for a client certificate. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** Unix milliseconds; undefined where it holds until the server refuses it. */
  readonly expiresAtMs: number | undefined;
}

/** Long enough for a login over a slow network, and nobody is there to be asked anything. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_ERROR_CHARS = 300;

/**
 * Runs the program and reads its ExecCredential. There is no shell in between and no standard input; the environment is ours with what the
 * kubeconfig adds. Rejects with HttpError `EXEC_CREDENTIAL`, whose message never has anything of the program's standard output.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  environment: Environment,
  { signal, timeoutMs = TIMEOUT_MS }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
): Promise<ExecCredential> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.cluster && { cluster: plugin.cluster }) },
  };
  const env = { ...environment, ...Object.fromEntries(plugin.env), KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  return readCredential(await outputOf(plugin, env, timeoutMs, signal), plugin);
}

function outputOf(
  plugin: ExecPlugin,
  env: Environment,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, hint?: string, cause?: unknown) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(failure(plugin, message, hint, cause));
    };
    const child = spawn(plugin.command, [...plugin.args], {
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      windowsHide: true,
      ...(signal && { signal, killSignal: 'SIGKILL' }),
    });
    const timer = setTimeout(() => fail(`gave no credential within ${timeoutMs / 1000}s`, NO_TERMINAL), timeoutMs);
    const out: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) fail('gave more than a credential');
      else out.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-10 * MAX_ERROR_CHARS);
    });
    child.on('error', (error) => {
      if (signal?.aborted) reject(new HttpError('CANCELLED', 'cancelled'));
      else
        fail(startFailure(error), plugin.installHint ?? 'install it, or give the whole path in the kubeconfig', error);
      clearTimeout(timer);
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString());
      else fail(`ended with ${code === null ? killedBy : `exit code ${code}`}${lastOf(complaint)}`, NO_TERMINAL);
    });
  });
}

const NO_TERMINAL = 'run it by hand: here it can ask nobody anything, so log in with it before';

function startFailure(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'is not there';
  if (code === 'EACCES') return 'must not be run';
  return `could not be run: ${error.message}`;
}

/** The end of what it said, as one line. */
function lastOf(complaint: string): string {
  const text = complaint.replace(/\s+/g, ' ').trim();
  if (text === '') return '';
  return `: ${text.length > MAX_ERROR_CHARS ? `…${text.slice(-MAX_ERROR_CHARS)}` : text}`;
}

function readCredential(output: string, plugin: ExecPlugin): ExecCredential {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw failure(plugin, 'gave no JSON', `it should print an ExecCredential of ${plugin.apiVersion}`);
  }
  const { kind, apiVersion, status } = mapOf(value);
  if (kind !== 'ExecCredential') throw failure(plugin, 'gave no ExecCredential');
  if (apiVersion !== plugin.apiVersion) {
    throw failure(
      plugin,
      `answers with another apiVersion than ${plugin.apiVersion}`,
      'name its own in the kubeconfig',
    );
  }
  if (!isMap(status)) throw failure(plugin, 'gave an ExecCredential without a status');
  const token = textOf(status['token']) || undefined;
  const cert = textOf(status['clientCertificateData']);
  const key = textOf(status['clientKeyData']);
  if ((cert === '') !== (key === '')) throw failure(plugin, 'gave a client certificate or key without the other');
  if (token === undefined && cert === '') throw failure(plugin, 'gave neither a token nor a client certificate');
  const expiry = textOf(status['expirationTimestamp']);
  const stated = expiry === '' ? Number.POSITIVE_INFINITY : Date.parse(expiry);
  if (Number.isNaN(stated)) throw failure(plugin, 'gave an expirationTimestamp that is no time');
  const expiresAtMs = Math.min(stated, cert === '' ? Number.POSITIVE_INFINITY : endOf(cert, plugin));
  return {
    token,
    certificate: cert === '' ? undefined : { cert, key },
    expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
  };
}

function endOf(cert: string, plugin: ExecPlugin): number {
  try {
    return Date.parse(new X509Certificate(cert).validTo);
  } catch (error) {
    throw failure(plugin, "gave a client certificate that can't be read", 'PEM is expected', error);
  }
}

function failure({ owner, command }: ExecPlugin, message: string, hint?: string, cause?: unknown): HttpError {
  return new HttpError('EXEC_CREDENTIAL', `${owner}: the program ${command} for its credentials ${message}`, {
    hint: hint?.replace(/\s+/g, ' ').trim(),
    cause,
  });
}
