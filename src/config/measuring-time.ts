import type { ProfileConfig, ScrapeConfig } from './scrape-config.ts';

type MeasuringJob = Pick<ScrapeConfig, 'isExclusive' | 'enabledProfiles' | 'profiles' | 'params'>;

/** Room in each interval of an exclusive job for the profiles that are answered at once, in seconds. */
const ROOM_SECONDS = 1;

/** How long the enabled profiles of a job measure, in seconds. */
interface MeasuringTime {
  /** Of the profiles whose `seconds` the user wrote, together. */
  readonly fixed: number;
  /** Number of profiles whose `seconds` come from a preset. */
  readonly presets: number;
}

/**
 * The most whole seconds that a profile measures whose `seconds` come from its preset; at least 1. The interval bounds it; in
 * an exclusive job, whose profiles take turns, all of them have to fit into one interval.
 */
export function presetSecondsLimit(job: MeasuringJob, intervalMs: number): number {
  const interval = Math.floor(intervalMs / 1000);
  if (!job.isExclusive) return Math.max(1, interval);
  const { fixed, presets } = measuringTimeOf(job);
  return Math.max(1, Math.floor((interval - ROOM_SECONDS - fixed) / Math.max(1, presets)));
}

/** Time that all enabled profiles of an exclusive job take one after the other, in milliseconds. */
export function exclusiveMs(job: MeasuringJob & Pick<ScrapeConfig, 'scrapeIntervalMs'>): number {
  const { fixed, presets } = measuringTimeOf(job);
  return (fixed + presets * presetSecondsLimit(job, job.scrapeIntervalMs)) * 1000;
}

function measuringTimeOf(job: MeasuringJob): MeasuringTime {
  let fixed = 0;
  let presets = 0;
  for (const name of job.enabledProfiles) {
    const profile = job.profiles.get(name);
    if (profile === undefined) continue;
    if (hasPresetSeconds(profile, job)) presets += 1;
    else fixed += wholeSeconds(profile.params.get('seconds') ?? job.params.get('seconds') ?? []) ?? 0;
  }
  return { fixed, presets };
}

/** Whether `seconds` comes from the preset and not from the user. */
export function hasPresetSeconds(profile: ProfileConfig, job: Pick<ScrapeConfig, 'params'>): boolean {
  return profile.presetParams.has('seconds') && !job.params.has('seconds');
}

/** Undefined where the values do not name one length. */
export function wholeSeconds([value, ...others]: readonly string[]): number | undefined {
  return others.length === 0 && value !== undefined && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
}
