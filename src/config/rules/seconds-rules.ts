import { isDeltaEndpoint } from '../delta-endpoint.ts';
import { formatDuration } from '../duration.ts';
import type { Reporter } from '../findings.ts';
import { exclusiveMs, presetSecondsLimit, wholeSeconds } from '../measuring-time.ts';
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

/** Go reads anything but one positive whole number as 30, without a word. */
export function secondsFitTheInterval(job: NormalizedJob): void {
  const { config } = job;
  for (const profile of config.profiles.values()) {
    const user = userSeconds(profile, job);
    if (!user) continue;
    const seconds = wholeSeconds(user.values);
    if (seconds === undefined) {
      const shown = user.values.length === 1 ? `"${user.values[0]}"` : `${user.values.length} values`;
      user.place.error(`seconds must be one positive whole number, not ${shown}`, 'write seconds: ["10"]');
    } else if (seconds * 1000 > config.scrapeIntervalMs && config.enabledProfiles.includes(profile.name)) {
      user.place.error(
        `profile ${profile.name} takes ${formatDuration(seconds * 1000)}, longer than the scrape interval ${formatDuration(config.scrapeIntervalMs)}`,
        `raise scrape-interval to ${formatDuration(seconds * 1000)} or lower seconds`,
      );
    } else if (isDeltaEndpoint(profile, profile.path)) {
      user.place.warn(`profile ${profile.name} ignores seconds: its endpoint answers at once`, 'remove it', 'key');
    }
  }
}

/** Only a timeout that somebody wrote can be too short: the default grows with `seconds`. */
export function timeoutExceedsSeconds(job: NormalizedJob): void {
  const { config, report } = job;
  const timeoutMs = config.scrapeTimeoutMs;
  if (timeoutMs === undefined) return;
  let longest: { name: string; ms: number } | undefined;
  for (const name of config.enabledProfiles) {
    const profile = config.profiles.get(name);
    const ms = profile && measuringMs(profile, job);
    if (ms !== undefined && ms > (longest?.ms ?? 0)) longest = { name, ms };
  }
  if (!longest || timeoutMs > longest.ms) return;
  const own = report.at('scrape-timeout');
  const place = own.isWritten ? own : report;
  place.error(
    `scrape-timeout ${formatDuration(timeoutMs)} of job "${config.jobName}" is too short: profile ${longest.name} takes ${formatDuration(longest.ms)}`,
    `write ${formatDuration(longest.ms + TIMEOUT_MARGIN_MS)} or more, or leave it out`,
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
