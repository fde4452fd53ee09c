import type { Reporter } from './findings.ts';
import { canonicalProfileName, DELTA_PRESETS, PLAIN_SAMPLE_TYPE, PRESETS } from './presets.ts';
import { REMOVED, type WrittenProfile, type WrittenProfiles, type WrittenSampleType } from './schema/profile.ts';
import type { ProfileConfig, QueryParams, SampleTypeConfig } from './scrape-config.ts';

export interface JobProfiles {
  /** Presets first, then the user's own. */
  readonly profiles: ReadonlyMap<string, ProfileConfig>;
  /** Where the user wrote about a profile, by canonical name. */
  readonly places: ReadonlyMap<string, Reporter>;
}

interface JobSettings {
  readonly usesDeltaProfiles: boolean;
  readonly params: QueryParams;
}

/** Every profile that the job knows: what the user wrote lies on top of the presets, key by key. */
export function profilesOf(written: WrittenProfiles | undefined, job: JobSettings, report: Reporter): JobProfiles {
  const byCanonicalName = new Map<string, WrittenProfile>();
  const places = new Map<string, Reporter>();
  for (const [name, profile] of written ?? []) {
    const canonical = canonicalProfileName(name);
    const earlier = byCanonicalName.get(canonical);
    if (earlier && !isSame(earlier, profile)) {
      const other = places.get(canonical)?.key;
      report
        .at(name)
        .error(`"${name}" and "${other}" are the same profile, with different settings`, 'keep one', 'key');
    }
    byCanonicalName.set(canonical, profile);
    places.set(canonical, report.at(name));
  }
  const profiles = new Map<string, ProfileConfig>();
  for (const name of [...PRESETS.keys(), ...byCanonicalName.keys()]) {
    if (profiles.has(name)) continue;
    const profile = byCanonicalName.get(name);
    const place = places.get(name);
    if (place && !PRESETS.has(name) && !place.at('path').isWritten) {
      place.error('has no path', 'a profile of your own needs one: path: /debug/pprof/…', 'key');
    }
    profiles.set(name, profileFrom(name, profile ?? {}, job));
  }
  return { profiles, places };
}

function isSame(a: WrittenProfile, b: WrittenProfile): boolean {
  const asText = (profile: WrittenProfile) =>
    JSON.stringify(profile, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  return asText(a) === asText(b);
}

function profileFrom(name: string, written: WrittenProfile, job: JobSettings): ProfileConfig {
  const base = withTextParams(baseOf(name, written, job), written.format);
  const userParams: QueryParams = written.params ?? new Map();
  const removed = new Set<string>();
  const sampleTypes = new Map(base.sampleTypes);
  let isList = false;
  for (const [type, flags] of written['sample-types'] ?? []) {
    if (flags === REMOVED) {
      removed.add(type);
      sampleTypes.delete(type);
    } else {
      isList = true;
      sampleTypes.set(type, sampleTypeFrom(flags, sampleTypes.get(type)));
    }
  }
  return {
    ...base,
    path: written.path ?? base.path,
    params: new Map([...base.params, ...userParams]),
    presetParams: new Map([...base.params].filter(([key]) => !userParams.has(key))),
    sampleTypes,
    // To take one type away says nothing about those that nobody listed.
    dropsUnlisted: isList && !written['all-sample-types'],
    removedSampleTypes: removed,
    format: written.format,
  };
}

/** Go writes text with `debug`: 2 gives each goroutine its own stack and what it waits for, 1 sums up equal stacks. */
function withTextParams(base: ProfileConfig, format: ProfileConfig['format']): ProfileConfig {
  if (format !== 'text' || !PRESETS.has(base.name)) return base;
  const params = new Map([...base.params, ['debug', [GOROUTINES.has(base.name) ? '2' : '1']] as const]);
  return { ...base, params, presetParams: params };
}

const GOROUTINES: ReadonlySet<string> = new Set(['goroutines', 'goroutineleak']);

/**
 * The godeltaprof variant where the job asks for it. It ignores `seconds`, so a profile for which the user set that goes to
 * its standard endpoint, where Go makes the difference over that time.
 */
function baseOf(name: string, written: WrittenProfile, job: JobSettings): ProfileConfig {
  const delta = job.usesDeltaProfiles ? DELTA_PRESETS.get(name) : undefined;
  const setsSeconds = written.params?.has('seconds') || job.params.has('seconds');
  if (delta && !setsSeconds) return delta;
  return PRESETS.get(name) ?? ownProfile(name);
}

function ownProfile(name: string): ProfileConfig {
  return {
    name,
    path: '/',
    params: new Map(),
    presetParams: new Map(),
    sampleTypes: new Map(),
    dropsUnlisted: false,
    removedSampleTypes: new Set(),
    usesDeltaEndpoint: false,
    standardPath: undefined,
    relabelRules: [],
    format: undefined,
  };
}

/** An explicit value always wins, `false` and the empty text too. */
function sampleTypeFrom(
  written: Exclude<WrittenSampleType, typeof REMOVED>,
  base: SampleTypeConfig = PLAIN_SAMPLE_TYPE,
): SampleTypeConfig {
  const { aggregation } = written;
  return {
    units: written.units ?? base.units,
    displayName: written['display-name'] ?? base.displayName,
    aggregation: aggregation === undefined ? base.aggregation : aggregation === 'sum' ? 'sum' : 'average',
    isCumulative: written.cumulative ?? base.isCumulative,
    isSampled: written.sampled ?? base.isSampled,
  };
}
