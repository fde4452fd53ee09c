import { METRICS_PATH_LABEL } from '../../labels/label-set.ts';
import type { RelabelRule } from '../../labels/relabel.ts';
import { profileRulesOfPreset, rulesOfPreset } from '../annotation-presets.ts';
import type { DiscoveryConfig } from '../discovery-config.ts';
import { TreeScalar } from '../document/tree.ts';
import type { FileKind } from '../file-kind.ts';
import type { Reporter } from '../findings.ts';
import { DISCOVERY_KEYS } from '../mechanisms/index.ts';
import { canonicalProfileName } from '../presets.ts';
import { type JobProfiles, profilesOf } from '../profiles.ts';
import type { NormalizeContext } from '../schema/context.ts';
import { httpClientFrom } from '../schema/http-client.ts';
import type { WrittenJob } from '../schema/job.ts';
import { fromProfilingConfig, impliedProfiles, type ParcaProfiles } from '../schema/parca.ts';
import { sampleFrom } from '../schema/sample.ts';
import {
  CONPROF_SCRAPE_INTERVAL_MS,
  DEFAULT_BODY_SIZE_LIMIT_BYTES,
  DEFAULT_SCRAPE_INTERVAL_MS,
  type ScrapeConfig,
} from '../scrape-config.ts';

/** What the file says for all jobs. */
export interface JobDefaults {
  readonly scrapeIntervalMs?: number | undefined;
  readonly scrapeTimeoutMs?: number | undefined;
  readonly bodySizeLimitBytes?: number | undefined;
  readonly targetLimit?: bigint | undefined;
  readonly kind: FileKind;
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
  const { kind } = defaults;
  const scrapeIntervalMs = written['scrape-interval'] ?? defaults.scrapeIntervalMs ?? defaultIntervalMs(kind);
  const params = written.params ?? new Map<string, readonly string[]>();
  const parca = parcaProfilesOf(written, { intervalMs: scrapeIntervalMs, kind, report });
  const { profiles, places } = profilesOf(
    written.profiles ?? parca?.profiles,
    { usesDeltaProfiles: written['use-delta-profiles'] ?? written['use-delta-endpoints'] ?? false, params },
    written.profiles ? report.at('profiles') : report.at('profiling-config', 'pprof-config'),
  );
  const preset = written['annotation-preset'];
  // Each profile of such a preset waits for an annotation of its own.
  const implied = preset === 'profiles.grafana.com' ? [...profiles.keys()] : impliedProfiles(kind);
  const relabelRules = [
    ...(preset === undefined ? [] : context.compileOwnRules(rulesOfPreset(preset))),
    ...context.compileRules(written['relabel-configs'] ?? [], report.at('relabel-configs')),
  ];
  const enabled = written['enabled-profiles'] ?? parca?.enabled ?? implied;
  return {
    config: {
      jobName: written['job-name'] ?? '',
      kind,
      scheme: written.scheme ?? 'http',
      metricsPath: metricsPathOf(relabelRules, report.at('metrics-path')),
      scrapeIntervalMs,
      scrapeTimeoutMs: written['scrape-timeout'] || defaults.scrapeTimeoutMs || undefined,
      bodySizeLimitBytes: limitFrom(written['body-size-limit'] ?? defaults.bodySizeLimitBytes),
      targetLimit: Number(written['target-limit'] ?? defaults.targetLimit ?? 0n),
      enabledProfiles: [...new Set(enabled.map(canonicalProfileName))],
      profiles: withRules(profiles, written, report, context),
      params,
      relabelRules,
      discovery: discoveryOf(written, report, context),
      http: httpClientFrom(written, report, context),
      isExclusive: written.exclusive ?? false,
      onCounterReset: written['on-counter-reset'] ?? 'emit',
      sampleLabels: written['sample-labels'] ?? 'sanitize',
      shard: undefined,
      sample: sampleFrom(written.sample, scrapeIntervalMs, report.at('sample')),
    },
    written,
    report,
    profilePlaces: places,
  };
}

/** The rules of single profiles: those of the preset, then the user's. */
function withRules(
  profiles: JobProfiles['profiles'],
  written: WrittenJob,
  report: Reporter,
  context: NormalizeContext,
): JobProfiles['profiles'] {
  const ofUser = new Map<string, readonly RelabelRule[]>();
  for (const [name, profile] of written.profiles ?? []) {
    const rules = profile['relabel-configs'];
    if (rules === undefined) continue;
    const place = report.at('profiles', name, 'relabel-configs');
    ofUser.set(canonicalProfileName(name), context.compileRules(rules, place));
  }
  const preset = written['annotation-preset'];
  if (preset === undefined && ofUser.size === 0) return profiles;
  return new Map(
    [...profiles].map(([name, profile]) => {
      const ofPreset = preset === undefined ? [] : context.compileOwnRules(profileRulesOfPreset(preset, name));
      return [name, { ...profile, relabelRules: [...ofPreset, ...(ofUser.get(name) ?? [])] }];
    }),
  );
}

function parcaProfilesOf(
  written: WrittenJob,
  { intervalMs, kind, report }: { intervalMs: number; kind: FileKind; report: Reporter },
): ParcaProfiles | undefined {
  const profiling = written['profiling-config'];
  const place = report.at('profiling-config', 'pprof-config');
  return profiling && fromProfilingConfig(profiling, { intervalMs, kind, report: place });
}

/** Prometheus's rules find the path in a label, whether it was written or not. */
function metricsPathOf(rules: readonly RelabelRule[], { node }: Reporter): string | undefined {
  if (!rules.some(({ sourceLabels }) => sourceLabels.includes(METRICS_PATH_LABEL))) return undefined;
  return node instanceof TreeScalar && node.text !== '' ? node.text : '/metrics';
}

function defaultIntervalMs(kind: FileKind): number {
  return kind === 'conprof' ? CONPROF_SCRAPE_INTERVAL_MS : DEFAULT_SCRAPE_INTERVAL_MS;
}

/** A written 0 takes the limit away. */
function limitFrom(bytes: number | undefined): number {
  if (bytes === 0) return Number.POSITIVE_INFINITY;
  return bytes ?? DEFAULT_BODY_SIZE_LIMIT_BYTES;
}

function discoveryOf(written: WrittenJob, report: Reporter, context: NormalizeContext): DiscoveryConfig[] {
  return DISCOVERY_KEYS.flatMap((key) => [...(written[key]?.(report.at(key), context) ?? [])]);
}
