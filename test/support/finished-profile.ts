import { gzipSync } from 'node:zlib';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import type { ProfileConfig, ScrapeConfig } from '../../src/config/scrape-config.ts';
import type { FinishedProfile } from '../../src/sinks/sink.ts';
import type { Target } from '../../src/targets/target.ts';

const cpu: ProfileConfig = {
  name: 'cpu',
  path: '/debug/pprof/profile',
  params: new Map([['seconds', ['10']]]),
  presetParams: new Map([['seconds', ['10']]]),
  sampleTypes: new Map(),
  dropsUnlisted: false,
  removedSampleTypes: new Set(),
  usesDeltaEndpoint: false,
  standardPath: undefined,
  relabelRules: [],
  format: undefined,
};

const job: ScrapeConfig = {
  jobName: 'shop',
  kind: 'pyroscope',
  scheme: 'http',
  metricsPath: undefined,
  scrapeIntervalMs: 10_000,
  scrapeTimeoutMs: undefined,
  bodySizeLimitBytes: 64 * 1024 * 1024,
  targetLimit: 0,
  enabledProfiles: ['cpu'],
  profiles: new Map([['cpu', cpu]]),
  params: new Map(),
  relabelRules: [],
  discovery: [],
  http: DEFAULT_HTTP_CLIENT,
  onCounterReset: 'emit',
  isExclusive: false,
  sampleLabels: 'sanitize',
  shard: undefined,
  sample: undefined,
};

const target: Target = {
  key: '0123456789abcdef',
  job,
  profile: cpu,
  labels: new Map(),
  discoveredLabels: new Map(),
  spyName: 'gospy',
  url: 'http://localhost:6060/debug/pprof/profile?seconds=10',
  origin: { scheme: 'http', hostname: 'localhost', port: 6060 },
  pathAndQuery: '/debug/pprof/profile?seconds=10',
  scrapeIntervalMs: 10_000,
  scrapeTimeoutMs: 15_000,
  seconds: 10,
  format: 'pprof',
};

/** The end of the interval of `finishedProfile`. */
export const UNTIL_NANOS = BigInt(Date.UTC(2026, 10, 22, 10, 15, 0)) * 1_000_000n;

/** A CPU profile of ten seconds, ready for a sink. */
export function finishedProfile(
  changes: Partial<Omit<FinishedProfile, 'target' | 'labels'>> & {
    target?: Partial<Target>;
    profileName?: string;
    labels?: Readonly<Record<string, string>>;
  } = {},
): FinishedProfile {
  const { target: targetChanges, profileName = 'cpu', labels, ...rest } = changes;
  return {
    target: { ...target, profile: { ...cpu, name: profileName }, ...targetChanges },
    labels: new Map(
      Object.entries(labels ?? { __name__: 'checkout', env: 'dev', instance: 'localhost:6060', job: 'shop' }),
    ),
    body: gzipSync('a profile'),
    fromNanos: UNTIL_NANOS - 10_000_000_000n,
    untilNanos: UNTIL_NANOS,
    profileKind: 'window',
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    samples: 3,
    isReset: false,
    isPartial: false,
    ...rest,
  };
}
