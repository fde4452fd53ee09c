import type { ProfileConfig, QueryParams, SampleTypeConfig } from './scrape-config.ts';

/** Where a job says nothing else, a profile that measures during the request does so for this long. */
export const DEFAULT_SECONDS = 10;

/** The agent as which a target's profiles are sent where its group says nothing else. */
export const DEFAULT_SPY_NAME = 'gospy';

export const PLAIN_SAMPLE_TYPE: SampleTypeConfig = {
  units: undefined,
  displayName: undefined,
  aggregation: 'sum',
  isCumulative: undefined,
  isSampled: false,
};

type SampleTypes = Readonly<Record<string, Partial<SampleTypeConfig>>>;

const HEAP_TYPES: SampleTypes = {
  inuse_objects: { units: 'objects', aggregation: 'average' },
  inuse_space: { units: 'bytes', aggregation: 'average' },
  alloc_objects: { units: 'objects' },
  alloc_space: { units: 'bytes' },
};

/**
 * The profiles that need no definition. `cpu` to `block`, their paths, names on the server and flags are those of
 * Pyroscope's pull mode; the others are what Grafana Alloy, Parca and `net/http/pprof` have beside them.
 */
export const PRESETS: ReadonlyMap<string, ProfileConfig> = byProfileName([
  preset('cpu', '/debug/pprof/profile', {
    seconds: DEFAULT_SECONDS,
    sampleTypes: { samples: { displayName: 'cpu', units: 'samples', isSampled: true } },
  }),
  preset('mem', '/debug/pprof/heap', { sampleTypes: HEAP_TYPES }),
  preset('allocs', '/debug/pprof/allocs', { sampleTypes: HEAP_TYPES }),
  preset('goroutines', '/debug/pprof/goroutine', {
    sampleTypes: { goroutine: { displayName: 'goroutines', units: 'goroutines', aggregation: 'average' } },
  }),
  preset('mutex', '/debug/pprof/mutex', { sampleTypes: lockTypes('mutex') }),
  preset('block', '/debug/pprof/block', { sampleTypes: lockTypes('block') }),
  preset('fgprof', '/debug/fgprof', {
    seconds: DEFAULT_SECONDS,
    sampleTypes: { samples: { displayName: 'fgprof_samples', isSampled: true }, time: { displayName: 'fgprof' } },
  }),
  preset('threadcreate', '/debug/pprof/threadcreate', { sampleTypes: { threadcreate: { aggregation: 'average' } } }),
  // Go 1.26 with GOEXPERIMENT=goroutineleakprofile. Each request runs a garbage collection in the target.
  preset('goroutineleak', '/debug/pprof/goroutineleak', {
    sampleTypes: { goroutineleak: { displayName: 'goroutine_leak', units: 'goroutines', aggregation: 'average' } },
  }),
  deltaPreset('godeltaprof_memory', 'heap', HEAP_TYPES),
  deltaPreset('godeltaprof_mutex', 'mutex', lockTypes('mutex')),
  deltaPreset('godeltaprof_block', 'block', lockTypes('block')),
]);

/** What `use-delta-profiles` puts in the place of a preset: the endpoint of Go's godeltaprof package, same name. */
export const DELTA_PRESETS: ReadonlyMap<string, ProfileConfig> = byProfileName([
  { ...deltaPreset('mem', 'heap', HEAP_TYPES), standardPath: '/debug/pprof/heap' },
  { ...deltaPreset('mutex', 'mutex', lockTypes('mutex')), standardPath: '/debug/pprof/mutex' },
  { ...deltaPreset('block', 'block', lockTypes('block')), standardPath: '/debug/pprof/block' },
]);

/** Names that other tools, or the endpoints themselves, have for the presets. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['process_cpu', 'cpu'],
  ['profile', 'cpu'],
  ['memory', 'mem'],
  ['heap', 'mem'],
  ['goroutine', 'goroutines'],
  ['goroutine_leak', 'goroutineleak'],
  ['delta_heap', 'godeltaprof_memory'],
  ['delta_mutex', 'godeltaprof_mutex'],
  ['delta_block', 'godeltaprof_block'],
]);

/** The preset that a name or alias stands for; any other name as it is. */
export function canonicalProfileName(name: string): string {
  return ALIASES.get(name) ?? name;
}

function lockTypes(name: string): SampleTypes {
  return {
    contentions: { displayName: `${name}_count`, units: 'lock_samples' },
    delay: { displayName: `${name}_duration`, units: 'lock_nanoseconds' },
  };
}

function preset(name: string, path: string, options: { seconds?: number; sampleTypes: SampleTypes }): ProfileConfig {
  const params: QueryParams = new Map(
    options.seconds === undefined ? [] : [['seconds', [String(options.seconds)]] as const],
  );
  return {
    name,
    path,
    params,
    presetParams: params,
    sampleTypes: new Map(
      Object.entries(options.sampleTypes).map(([type, flags]) => [type, { ...PLAIN_SAMPLE_TYPE, ...flags }]),
    ),
    dropsUnlisted: false,
    removedSampleTypes: new Set(),
    usesDeltaEndpoint: false,
    standardPath: undefined,
    relabelRules: [],
    format: undefined,
  };
}

function deltaPreset(name: string, endpoint: string, sampleTypes: SampleTypes): ProfileConfig {
  return { ...preset(name, `/debug/pprof/delta_${endpoint}`, { sampleTypes }), usesDeltaEndpoint: true };
}

function byProfileName(profiles: readonly ProfileConfig[]): ReadonlyMap<string, ProfileConfig> {
  return new Map(profiles.map((profile) => [profile.name, profile]));
}
