import type * as z from 'zod/mini';
import { parseShard } from '../shard.ts';
import { job, scrapeInterval, scrapeTimeout, targetLimit } from './job.ts';
import { remoteWrite } from './remote-write.ts';
import { byteSize, duration, nonEmptyText, scalar, textOf, word } from './scalars.ts';
import { labels, list, mapping } from './structures.ts';

const global = mapping(
  () => ({
    'scrape-interval': scrapeInterval,
    'scrape-timeout': scrapeTimeout,
    'external-labels': labels(),
    'body-size-limit': byteSize(),
    'target-limit': targetLimit,
  }),
  { isIgnored: isIgnoredGlobalKey },
);

/** The whole file, whichever tool it was written for. */
export const config = mapping(
  () => ({
    'scrape-configs': list(job),
    global,
    'log-level': word(['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'], { ignoresCase: true }),
    'external-labels': labels(),
    shard: scalar('a shard', (node) => parseShard(textOf(node))),
    output: mapping(() => ({
      dir: nonEmptyText(),
      'state-dir': nonEmptyText(),
      'max-age': duration(0),
      'max-bytes': byteSize(),
    })),
    'remote-write': remoteWrite,
  }),
  { isIgnored: (key) => isIgnoredRootKey(key) || isExtension(key), refused: refusedRootKey },
);

export type WrittenConfig = z.output<typeof config>;

/** A home for anchors, as in Compose files. */
function isExtension(key: string): boolean {
  return key.startsWith('x-');
}

/** Keys of the old Pyroscope server, of Prometheus and of Parca that mean nothing to a scraper of profiles. */
const IGNORED: ReadonlySet<string> = new Set([
  'adhoc-data-path',
  'adhoc-max-file-size',
  'admin-socket-path',
  'alerting',
  'analytics-opt-out',
  'api-bind-addr',
  'auth',
  'badger-log-level',
  'badger-no-truncate',
  'base-url',
  'base-url-bind-addr',
  'cache-dictonary-size', // so it was spelled
  'cache-dimensions-size',
  'cache-evict-threshold',
  'cache-evict-volume',
  'cache-segment-size',
  'cache-tree-size',
  'config',
  'cors',
  'database',
  'disable-export-to-flamegraph-dot-com',
  'disable-pprof-endpoint',
  'enable-experimental-admin',
  'enable-experimental-exemplars-page',
  'exemplars-batch-duration',
  'exemplars-batch-queue-size',
  'exemplars-batch-size',
  'exemplars-retention',
  'hide-applications',
  'max-nodes-render',
  'max-nodes-serialization',
  'metrics-export-rules',
  'min-free-space-percentage',
  'no-adhoc-ui',
  'no-self-profiling',
  'object-storage',
  'otlp',
  'out-of-space-threshold',
  'remote-read',
  'retention',
  'retention-levels',
  'rule-files',
  'runtime',
  'sample-rate',
  'self-profiling-tags',
  'storage',
  'storage-path',
  'storage-queue-size',
  'storage-queue-workers',
  'tls-certificate-file',
  'tls-key-file',
  'tracing',
]);

export function isIgnoredRootKey(key: string): boolean {
  return IGNORED.has(key);
}

const IGNORED_GLOBAL: ReadonlySet<string> = new Set([
  'always-scrape-classic-histograms',
  'convert-classic-histograms-to-nhcb',
  'evaluation-interval',
  'extra-scrape-metrics',
  'keep-dropped-targets',
  'label-limit',
  'label-name-length-limit',
  'label-value-length-limit',
  'metric-name-escaping-scheme',
  'metric-name-validation-scheme',
  'query-log-file',
  'rule-query-offset',
  'sample-limit',
  'scrape-failure-log-file',
  'scrape-native-histograms',
  'scrape-protocols',
]);

export function isIgnoredGlobalKey(key: string): boolean {
  return IGNORED_GLOBAL.has(key);
}

function refusedRootKey(key: string, written: string): { message: string; hint: string } | undefined {
  if (key !== 'scrape-config-files') return undefined;
  return {
    message: `"${written}" is not supported`,
    hint: 'put the jobs of those files into this one',
  };
}
