/**
 * Root keys of servers whose files hold `scrape_configs` too. They mean nothing to a scraper; which of them a file has says
 * what it was written for, and so which defaults hold.
 */

/** Of the Pyroscope server with pull mode (0.x). */
export const PYROSCOPE_KEYS: ReadonlySet<string> = new Set([
  'adhoc-data-path',
  'adhoc-max-file-size',
  'admin-socket-path',
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
  'out-of-space-threshold',
  'retention',
  'retention-levels',
  'sample-rate',
  'self-profiling-tags',
  'storage-path',
  'storage-queue-size',
  'storage-queue-workers',
  'tls-certificate-file',
  'tls-key-file',
]);

export const PROMETHEUS_KEYS: ReadonlySet<string> = new Set([
  'alerting',
  'otlp',
  'remote-read',
  'rule-files',
  'runtime',
  'storage', // Phlare's and Pyroscope 1.x's, too
  'tracing', // likewise
]);

/** `debug_info` until Parca 0.12, `object_storage` since then. */
export const PARCA_KEYS: ReadonlySet<string> = new Set(['debug-info', 'object-storage']);

/** Of Phlare and of what became of it, Pyroscope 1.x and 2.x. */
export const PHLARE_KEYS: ReadonlySet<string> = new Set([
  'adaptive-placement',
  'admin-server',
  'analytics',
  'api',
  'architecture-storage',
  'client',
  'compaction-worker',
  'compactor',
  'distributor',
  'embedded-grafana',
  'frontend',
  'frontend-worker',
  'ingester',
  'limits',
  'memberlist',
  'metastore',
  'multitenancy-enabled',
  'overrides-exporter',
  'phlaredb',
  'pyroscopedb',
  'querier',
  'query-backend',
  'query-scheduler',
  'runtime-config',
  'segment-writer',
  'self-profiling',
  'server',
  'show-banner',
  'shutdown-delay',
  'store-gateway',
  'symbolizer',
  'target',
  'tenant-settings',
]);

export function isServerKey(key: string): boolean {
  return PYROSCOPE_KEYS.has(key) || PROMETHEUS_KEYS.has(key) || PARCA_KEYS.has(key) || PHLARE_KEYS.has(key);
}
