import { quote } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../http-client-config.ts';
import { type NormalizeContext, resolvePath } from '../schema/context.ts';
import { httpClientFrom } from '../schema/http-client.ts';
import {
  METRICS_REMOTE,
  pathOf,
  type WrittenOldRemotes,
  type WrittenRemote,
  type WrittenRemoteWrite,
} from '../schema/remote-write.ts';
import { withoutUserInfo } from '../schema/user-info.ts';
import {
  DEFAULT_PUSH_LIMITS,
  DEFAULT_QUEUE,
  DEFAULT_REMOTE_TIMEOUT_MS,
  type PushLimits,
  type QueueConfig,
  type RemoteWriteConfig,
} from '../scrape-config.ts';

export function normalizeRemoteWrite(
  written: WrittenRemoteWrite | undefined,
  report: Reporter,
  context: NormalizeContext,
): RemoteWriteConfig[] {
  if (written === undefined) return [];
  if ('oldServer' in written) return oldRemotes(written.oldServer, report);
  const names = new Map<string, Reporter>();
  return written.list.flatMap((item, index) => {
    const place = report.at(index);
    if (item === METRICS_REMOTE) {
      place.warn('is a remote for Prometheus metrics and takes no profiles: ignored', METRICS_HINT);
      return [];
    }
    if (item === undefined) return [];
    const remote = remoteFrom(item, place, context);
    warnOfPath(item, place);
    const earlier = names.get(remote.name);
    if (earlier && remote.url !== '') {
      place.error(
        `a second remote named "${remote.name}", after line ${earlier.line}`,
        'give each a name of its own: its queue is kept under it',
        'key',
      );
    }
    names.set(remote.name, place);
    return [remote];
  });
}

const METRICS_HINT = 'for a Pyroscope server, name its root or add api: ingest or api: push';

/** Most URLs with a path are those of servers for metrics. */
function warnOfPath({ url = '', api }: WrittenRemote, place: Reporter): void {
  const path = pathOf(url);
  if (path === '' || api !== undefined) return;
  place
    .at('url')
    .warn(
      `profiles and credentials go to a server under the path ${quote(path)}`,
      'if that is a Pyroscope server add api: ingest, else remove the entry',
    );
}

function remoteFrom(written: WrittenRemote, report: Reporter, context: NormalizeContext): RemoteWriteConfig {
  if (!report.at('url').isWritten) report.error('url is missing', 'add url: http://localhost:4040');
  const { url, http } = withoutUserInfo(written.url ?? '', httpClientFrom(written, report, context), report.at('url'));
  return {
    url,
    name: written.name ?? defaultName(url),
    api: written.api ?? 'ingest',
    tenantId: written['tenant-id'],
    headers: written.headers ?? new Map(),
    timeoutMs: written['remote-timeout'] ?? DEFAULT_REMOTE_TIMEOUT_MS,
    tags: new Map(),
    writeRelabelRules: context.compileRules(written['write-relabel-configs'] ?? [], report.at('write-relabel-configs')),
    http,
    queue: queueFrom(written.queue ?? {}, report.at('queue'), context),
    limits: limitsFrom(written.limits ?? {}),
  };
}

/** A server takes these unless its operator has set others. */
function limitsFrom(written: NonNullable<WrittenRemote['limits']>): PushLimits {
  const count = (value: bigint | undefined, otherwise: number) => (value === undefined ? otherwise : Number(value));
  return {
    maxProfileBytes: written['max-profile-bytes'] ?? DEFAULT_PUSH_LIMITS.maxProfileBytes,
    burstBytes: written['burst-bytes'] ?? DEFAULT_PUSH_LIMITS.burstBytes,
    maxSamples: count(written['max-samples'], DEFAULT_PUSH_LIMITS.maxSamples),
    maxLabelNames: count(written['max-label-names'], DEFAULT_PUSH_LIMITS.maxLabelNames),
    maxLabelNameBytes: count(written['max-label-name-bytes'], DEFAULT_PUSH_LIMITS.maxLabelNameBytes),
    maxLabelValueBytes: count(written['max-label-value-bytes'], DEFAULT_PUSH_LIMITS.maxLabelValueBytes),
    maxLabelsPerSample: count(written['max-labels-per-sample'], DEFAULT_PUSH_LIMITS.maxLabelsPerSample),
    maxAgeMs: written['max-age'] ?? DEFAULT_PUSH_LIMITS.maxAgeMs,
  };
}

function queueFrom(
  written: NonNullable<WrittenRemote['queue']>,
  report: Reporter,
  context: NormalizeContext,
): QueueConfig {
  const queue = {
    dir: written.dir === undefined ? undefined : resolvePath(written.dir, context),
    maxBytes: written['max-bytes'] ?? DEFAULT_QUEUE.maxBytes,
    maxAgeMs: written['max-age'] ?? DEFAULT_QUEUE.maxAgeMs,
    minBackoffMs: written['min-backoff'] ?? DEFAULT_QUEUE.minBackoffMs,
    maxBackoffMs: written['max-backoff'] ?? DEFAULT_QUEUE.maxBackoffMs,
    maxInFlight: Number(written['max-in-flight'] ?? DEFAULT_QUEUE.maxInFlight),
    sync: written.sync ?? DEFAULT_QUEUE.sync,
  };
  if (queue.minBackoffMs > queue.maxBackoffMs) {
    const place = report.at(report.at('min-backoff').isWritten ? 'min-backoff' : 'max-backoff');
    place.error('min-backoff is longer than max-backoff', 'retries wait from min-backoff up to max-backoff');
  }
  return queue;
}

/** The host and port that the URL names; its scheme's port where it names none. */
function defaultName(url: string): string {
  if (!URL.canParse(url)) return url;
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

/** The old server sent nothing unless `enabled` was true. */
function oldRemotes(written: WrittenOldRemotes, report: Reporter): RemoteWriteConfig[] {
  const remotes: RemoteWriteConfig[] = [];
  for (const [name, target] of written.targets ?? []) {
    const place = report.at('targets', name);
    if (!place.at('address').isWritten) place.error('address is missing', 'add address: http://localhost:4040', 'key');
    const { url, http } = withoutUserInfo(target.address ?? '', DEFAULT_HTTP_CLIENT, place.at('address'));
    remotes.push({
      url,
      name,
      api: 'ingest',
      tenantId: target['tenant-id'] || undefined,
      headers: target.headers ?? new Map(),
      timeoutMs: target.timeout ?? DEFAULT_REMOTE_TIMEOUT_MS,
      tags: target.tags ?? new Map(),
      writeRelabelRules: [],
      http: { ...http, ...oldCredentials(target) },
      queue: DEFAULT_QUEUE,
      limits: DEFAULT_PUSH_LIMITS,
    });
  }
  if (written.enabled) return remotes;
  if (remotes.length > 0 && (written.enabled === false || !report.at('enabled').isWritten)) {
    report.warn('is not enabled: nothing is sent', 'add enabled: true to send profiles there', 'key');
  }
  return [];
}

type WrittenOldTarget = NonNullable<WrittenOldRemotes['targets']> extends ReadonlyMap<string, infer T> ? T : never;

/** A user and password go before a token, and both before what the URL carries. */
function oldCredentials(written: WrittenOldTarget): Partial<HttpClientConfig> {
  const { 'basic-auth-user': user, 'basic-auth-password': password, 'auth-token': token } = written;
  if (user && password) return { basicAuth: { username: { value: user }, password: { value: password } } };
  if (!token) return {};
  return { basicAuth: undefined, authorization: { type: 'Bearer', credentials: { value: token } } };
}
