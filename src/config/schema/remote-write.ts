import * as z from 'zod/mini';
import { quote, TreeMap, TreeScalar } from '../document/tree.ts';
import { parseDuration } from '../duration.ts';
import { ValueError } from '../value-error.ts';
import { checkHeaderName, httpClientKeys } from './http-client.ts';
import { relabelRule } from './relabel.ts';
import { boolean, byteSize, duration, integer, nonEmptyText, POSITIVE_MS, scalar, text, url, word } from './scalars.ts';
import { labels, list, mapOf, mapping, oneOf, textMap } from './structures.ts';

const remoteUrl = url(['http', 'https']);

const remote = mapping(() => ({
  url: remoteUrl,
  name: remoteName(),
  api: word(['ingest', 'push']),
  'tenant-id': nonEmptyText(),
  headers: textMap(checkHeaderName),
  'remote-timeout': duration(POSITIVE_MS),
  'write-relabel-configs': list(relabelRule),
  queue: mapping(() => ({
    dir: nonEmptyText(),
    'max-bytes': byteSize(),
    'max-age': duration(0),
    'min-backoff': duration(POSITIVE_MS),
    'max-backoff': duration(POSITIVE_MS),
    'max-in-flight': integer({ min: 1n, max: 1000n }),
    sync: queueSync(),
  })),
  limits: mapping(() => ({
    'max-profile-bytes': byteSize(),
    'burst-bytes': byteSize(),
    'max-samples': limit(),
    'max-label-names': limit(),
    'max-label-name-bytes': limit(),
    'max-label-value-bytes': limit(),
    'max-labels-per-sample': limit(),
    'max-age': duration(0),
  })),
  ...httpClientKeys,
}));

export type WrittenRemote = z.output<typeof remote>;

/** An entry that speaks of Prometheus's metrics, in the words of Prometheus. */
export const METRICS_REMOTE = 'metrics';

const metricsRemote = z.transform((): WrittenRemote | typeof METRICS_REMOTE => METRICS_REMOTE);

const remotes = list(
  oneOf<WrittenRemote | typeof METRICS_REMOTE>((node) => (isMetricsRemote(node) ? metricsRemote : remote)),
);

/**
 * Where metrics are written to: Prometheus, VictoriaMetrics, GreptimeDB and Google end in `write`, Thanos in `receive`, Amazon in
 * `remote_write`, Cortex, Mimir and Grafana Cloud in `push`.
 */
const METRICS_PATH = /\/(?:write|remote_write|receive|api\/prom\/push|api\/v1\/push)\/*$/i;

/** Keys of Prometheus's `remote_write` that nothing here has. */
const METRICS_KEYS: readonly string[] = [
  'azuread',
  'google-iam',
  'metadata-config',
  'protobuf-message',
  'queue-config',
  'send-exemplars',
  'send-native-histograms',
  'sigv4',
];

/**
 * Whether an entry is for metrics. Such a server must get neither profiles nor the password that is meant for metrics, so an
 * entry is taken for one in doubt; `api` is the way to say that it is not.
 */
export function isMetricsRemote(node: unknown): boolean {
  if (!(node instanceof TreeMap) || node.entry('api') !== undefined) return false;
  const url = node.entry('url')?.value;
  const isMetricsUrl = url instanceof TreeScalar && METRICS_PATH.test(pathOf(url.text));
  return isMetricsUrl || METRICS_KEYS.some((key) => node.entry(key) !== undefined);
}

/** What stands before query and fragment; empty where there is no path but `/`. */
export function pathOf(url: string): string {
  const [beforeQuery = ''] = url.split(/[?#]/, 1);
  const host = beforeQuery.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const slash = host.indexOf('/');
  const path = slash < 0 ? '' : host.slice(slash);
  return /^\/*$/.test(path) ? '' : path;
}

/** The old server's section: a mapping, where ours is a list. */
const oldServer = mapping(
  () => ({
    enabled: boolean(),
    targets: mapOf(
      mapping(
        () => ({
          address: remoteUrl,
          'auth-token': text(),
          'basic-auth-user': text(),
          'basic-auth-password': text(),
          'tenant-id': text(),
          tags: labels(),
          headers: textMap(checkHeaderName),
          timeout: duration(POSITIVE_MS),
        }),
        { isIgnored: isIgnoredOldTargetKey },
      ),
      checkRemoteName,
    ),
  }),
  { isIgnored: isIgnoredOldKey },
);

export type WrittenOldRemotes = z.output<typeof oldServer>;

/** It had local storage, and a queue in memory. */
export function isIgnoredOldKey(key: string): boolean {
  return key === 'disable-local-writes';
}

export function isIgnoredOldTargetKey(key: string): boolean {
  return key === 'queue-size' || key === 'queue-workers';
}

export type WrittenRemoteWrite =
  | { readonly list: z.output<typeof remotes> }
  | { readonly oldServer: WrittenOldRemotes };

const asList = z.pipe(
  remotes,
  z.transform((list): WrittenRemoteWrite => ({ list })),
);
const asOldServer = z.pipe(
  oldServer,
  z.transform((oldServer): WrittenRemoteWrite => ({ oldServer })),
);

export const remoteWrite = oneOf<WrittenRemoteWrite>((node) => (node instanceof TreeMap ? asOldServer : asList));

/** Also the name of its queue directory. */
function remoteName() {
  return scalar('a name', (node) => {
    checkRemoteName(node.text);
    return node.text;
  });
}

function checkRemoteName(name: string): void {
  if (/^[\w:-][\w.:-]{0,99}$/.test(name)) return;
  throw new ValueError(`${quote(name)} is not a name for a remote`, 'use letters, digits, "_", "-", "." and ":"');
}

/** 0 is no limit. */
function limit() {
  return integer({ min: 0n, max: 1_000_000_000n });
}

function queueSync() {
  return scalar('a duration or always', (node): number | 'always' => {
    if (node.text === 'always') return 'always';
    const value = parseDuration(node.text);
    if (value > 0) return value;
    throw new ValueError('0 is no interval', 'write always to sync before each answer');
  });
}
