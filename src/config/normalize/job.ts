import type { DiscoveryConfig } from '../discovery-config.ts';
import type { Reporter } from '../findings.ts';
import { DISCOVERY_KEYS } from '../mechanisms/index.ts';
import { canonicalProfileName } from '../presets.ts';
import { type JobProfiles, profilesOf } from '../profiles.ts';
import type { NormalizeContext } from '../schema/context.ts';
import { httpClientFrom } from '../schema/http-client.ts';
import type { WrittenJob } from '../schema/job.ts';
import { fromProfilingConfig, PARCA_PROFILES, type ParcaProfiles } from '../schema/parca.ts';
import { DEFAULT_BODY_SIZE_LIMIT_BYTES, DEFAULT_SCRAPE_INTERVAL_MS, type ScrapeConfig } from '../scrape-config.ts';

/** What the file says for all jobs. */
export interface JobDefaults {
  readonly scrapeIntervalMs?: number | undefined;
  readonly scrapeTimeoutMs?: number | undefined;
  readonly bodySizeLimitBytes?: number | undefined;
  readonly targetLimit?: bigint | undefined;
  /** Parca scrapes five profiles of a job that names none. */
  readonly isParca: boolean;
}

/** A job, and what the rules need to say where its parts came from. */
export interface NormalizedJob {
  readonly config: ScrapeConfig;
  readonly written: WrittenJob;
  readonly report: Reporter;
  readonly profilePlaces: JobProfiles['places'];
}

export function normalizeJob(
  written: WrittenJob,
  defaults: JobDefaults,
  report: Reporter,
  context: NormalizeContext,
): NormalizedJob {
  const scrapeIntervalMs = written['scrape-interval'] ?? defaults.scrapeIntervalMs ?? DEFAULT_SCRAPE_INTERVAL_MS;
  const params = written.params ?? new Map<string, readonly string[]>();
  const parca = parcaProfilesOf(written, scrapeIntervalMs);
  const { profiles, places } = profilesOf(
    written.profiles ?? parca?.profiles,
    { usesDeltaProfiles: written['use-delta-profiles'] ?? written['use-delta-endpoints'] ?? false, params },
    written.profiles ? report.at('profiles') : report.at('profiling-config', 'pprof-config'),
  );
  const isParca = parca !== undefined || defaults.isParca;
  const enabled = written['enabled-profiles'] ?? parca?.enabled ?? (isParca ? PARCA_PROFILES : []);
  return {
    config: {
      jobName: written['job-name'] ?? '',
      scheme: written.scheme ?? 'http',
      scrapeIntervalMs,
      scrapeTimeoutMs: written['scrape-timeout'] ?? defaults.scrapeTimeoutMs,
      bodySizeLimitBytes: limitFrom(written['body-size-limit'] ?? defaults.bodySizeLimitBytes),
      targetLimit: Number(written['target-limit'] ?? defaults.targetLimit ?? 0n),
      enabledProfiles: [...new Set(enabled.map(canonicalProfileName))],
      profiles,
      params,
      relabelRules: context.compileRules(written['relabel-configs'] ?? [], report.at('relabel-configs')),
      discovery: discoveryOf(written, report, context),
      http: httpClientFrom(written, report, context),
      onCounterReset: written['on-counter-reset'] ?? 'emit',
      sampleLabels: written['sample-labels'] ?? 'sanitize',
    },
    written,
    report,
    profilePlaces: places,
  };
}

function parcaProfilesOf(written: WrittenJob, intervalMs: number): ParcaProfiles | undefined {
  const profiling = written['profiling-config'];
  return profiling && fromProfilingConfig(profiling, { intervalMs });
}

/** A written 0 takes the limit away. */
function limitFrom(bytes: number | undefined): number {
  if (bytes === 0) return Number.POSITIVE_INFINITY;
  return bytes ?? DEFAULT_BODY_SIZE_LIMIT_BYTES;
}

function discoveryOf(written: WrittenJob, report: Reporter, context: NormalizeContext): DiscoveryConfig[] {
  return DISCOVERY_KEYS.flatMap((key) => [...(written[key]?.(report.at(key), context) ?? [])]);
}
