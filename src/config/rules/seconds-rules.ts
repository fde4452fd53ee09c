import { isDeltaEndpoint } from '../delta-endpoint.ts';
import { formatDuration } from '../duration.ts';
import type { Reporter } from '../findings.ts';
import { exclusiveMs, presetSecondsLimit, wholeSeconds } from '../measuring-time.ts';
import type { NormalizedConfig } from '../normalize/config.ts';
import type { NormalizedJob } from '../normalize/job.ts';
import type { ProfileConfig } from '../scrape-config.ts';
import { TIMEOUT_MARGIN_MS } from '../scrape-config.ts';

interface UserSeconds {
  readonly values: readonly string[];
  readonly place: Reporter;
}

/** What the user wrote for a profile, there or for the whole job; undefined where only the preset speaks. */
function userSeconds(
  profile: ProfileConfig,
  { config, report, profilePlaces }: NormalizedJob,
): UserSeconds | undefined {
  const own = profile.presetParams.has('seconds') ? undefined : profile.params.get('seconds');
  const ofJob = config.params.get('seconds');
  const ownPlace = profilePlaces.get(profile.name);
  if (own && ownPlace) {
    const place = ownPlace.at('params', 'seconds');
    return { values: own, place: place.isWritten ? place : ownPlace };
  }
  return ofJob && { values: ofJob, place: report.at('params', 'seconds') };
}

/** Profiles of which one place says how long they take. */
interface SharedSeconds extends UserSeconds {
  readonly profiles: ProfileConfig[];
}

/** By place: the seconds of a job are those of all its profiles, and what is wrong with them is said once. */
function secondsByPlace(job: NormalizedJob): SharedSeconds[] {
  const ofJob: SharedSeconds[] = [];
  const shared = new Map<readonly string[], SharedSeconds>();
  for (const profile of job.config.profiles.values()) {
    const user = userSeconds(profile, job);
    if (!user) continue;
    const known = shared.get(user.values);
    if (known) known.profiles.push(profile);
    else {
      const first = { ...user, profiles: [profile] };
      shared.set(user.values, first);
      ofJob.push(first);
    }
  }
  return ofJob;
}

/** Go reads anything but one positive whole number as 30, without a word. */
export function secondsFitTheInterval(job: NormalizedJob): void {
  const { config } = job;
  for (const { values, place, profiles } of secondsByPlace(job)) {
    const seconds = wholeSeconds(values);
    const enabled = profiles.filter(({ name }) => config.enabledProfiles.includes(name));
    if (seconds === undefined) {
      const shown = values.length === 1 ? `"${values[0]}"` : `${values.length} values`;
      place.error(`seconds must be one positive whole number, not ${shown}`, 'write seconds: ["10"]');
    } else if (seconds * 1000 > config.scrapeIntervalMs && enabled.length > 0) {
      place.error(
        `${named(enabled, 'takes', 'take')} ${formatDuration(seconds * 1000)}, longer than the scrape interval ${formatDuration(config.scrapeIntervalMs)}`,
        `raise scrape-interval to ${formatDuration(seconds * 1000)} or lower seconds`,
      );
    } else {
      const atOnce = enabled.filter((profile) => isDeltaEndpoint(profile, profile.path));
      if (atOnce.length > 0) {
        place.warn(`${named(atOnce, 'ignores', 'ignore')} seconds: the endpoint answers at once`, 'remove it', 'key');
      }
    }
  }
}

function named(profiles: readonly ProfileConfig[], verb: string, pluralVerb: string): string {
  const names = profiles.map(({ name }) => name).join(', ');
  return profiles.length === 1 ? `profile ${names} ${verb}` : `profiles ${names} ${pluralVerb}`;
}

/**
 * Only a timeout that somebody wrote can be too short: the default grows with `seconds`. That of all jobs is reported once,
 * with what the longest profile of them needs.
 */
export function timeoutsExceedSeconds({ jobs }: NormalizedConfig, report: Reporter): void {
  const tooShort: { readonly job: NormalizedJob; readonly name: string; readonly ms: number }[] = [];
  for (const job of jobs) {
    const longest = longestProfile(job);
    const timeoutMs = job.config.scrapeTimeoutMs;
    if (timeoutMs === undefined || longest === undefined || timeoutMs > longest.ms) continue;
    const own = job.report.at('scrape-timeout');
    if (own.isWritten) reportTimeout(own, timeoutMs, longest);
    else tooShort.push({ job, ...longest });
  }
  const [longest] = tooShort.toSorted((a, b) => b.ms - a.ms);
  if (longest === undefined) return;
  const others = new Set(tooShort.map(({ job }) => job)).size - 1;
  const where = `of job "${longest.job.config.jobName}"${others > 0 ? ` (and ${others} more)` : ''}`;
  reportTimeout(report.at('global', 'scrape-timeout'), longest.job.config.scrapeTimeoutMs ?? 0, longest, where);
}

function longestProfile(job: NormalizedJob): { name: string; ms: number } | undefined {
  let longest: { name: string; ms: number } | undefined;
  for (const name of job.config.enabledProfiles) {
    const profile = job.config.profiles.get(name);
    const ms = profile && measuringMs(profile, job);
    if (ms !== undefined && ms > (longest?.ms ?? 0)) longest = { name, ms };
  }
  return longest;
}

function reportTimeout(
  place: Reporter,
  timeoutMs: number,
  { name, ms }: { readonly name: string; readonly ms: number },
  where = '',
): void {
  place.error(
    `${formatDuration(timeoutMs)} is too short: profile ${name}${where && ` ${where}`} takes ${formatDuration(ms)}`,
    `write ${place.key}: ${formatDuration(ms + TIMEOUT_MARGIN_MS)}, or remove the key`,
  );
}

/** Profiles that take turns have to fit into the interval together, or each of them misses slots. */
export function exclusiveFitsTheInterval({ config, report }: NormalizedJob): void {
  if (!config.isExclusive) return;
  const takesMs = exclusiveMs(config);
  if (takesMs < config.scrapeIntervalMs) return;
  report
    .at('exclusive')
    .warn(
      `the profiles of one address measure for ${formatDuration(takesMs)}, one after the other, which leaves nothing of the scrape interval ${formatDuration(config.scrapeIntervalMs)}`,
      `raise scrape-interval to ${formatDuration(takesMs + TIMEOUT_MARGIN_MS)} or lower seconds`,
      'key',
    );
}

/** The default length shrinks with the interval; what the user wrote stays. */
function measuringMs(profile: ProfileConfig, job: NormalizedJob): number | undefined {
  const user = userSeconds(profile, job);
  if (user) return (wholeSeconds(user.values) ?? 0) * 1000;
  const preset = wholeSeconds(profile.presetParams.get('seconds') ?? []);
  if (preset === undefined) return undefined;
  return Math.min(preset, presetSecondsLimit(job.config, job.config.scrapeIntervalMs)) * 1000;
}
