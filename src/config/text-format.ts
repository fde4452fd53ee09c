import type { ProfileConfig, ProfileFormat, QueryParams, ScrapeConfig } from './scrape-config.ts';

/**
 * What a request is answered with: as the user says; else text where `debug` is 1 or more. A profile with `seconds` is pprof
 * all the same: Go ignores `debug` for the CPU profile, and refuses both together for the others.
 */
export function formatOf({ format }: Pick<ProfileConfig, 'format'>, params: QueryParams): ProfileFormat {
  if (format !== undefined) return format;
  const debug = params.get('debug')?.[0] ?? '';
  return /^\+?0*[1-9]\d*$/.test(debug) && !params.has('seconds') ? 'text' : 'pprof';
}

/** The same before labels, for a profile of a job. */
export function configuredFormat(profile: ProfileConfig, job: Pick<ScrapeConfig, 'params'>): ProfileFormat {
  const params = new Map([...profile.presetParams, ...job.params]);
  for (const [key, values] of profile.params) if (!profile.presetParams.has(key)) params.set(key, values);
  return formatOf(profile, params);
}
