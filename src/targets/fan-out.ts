import { isDeltaEndpoint } from '../config/delta-endpoint.ts';
import { hasPresetSeconds, presetSecondsLimit } from '../config/measuring-time.ts';
import type { ProfileConfig, ProfileFormat, QueryParams, ScrapeConfig } from '../config/scrape-config.ts';
import { formatOf } from '../config/text-format.ts';
import {
  type LabelSet,
  PARAM_PREFIX,
  PROFILE_PATH_LABEL,
  PROFILE_PATH_PREFIX_LABEL,
  PROFILE_PREFIX,
} from '../labels/label-set.ts';
import { relabel } from '../labels/relabel.ts';
import { ProfileLabels } from './profile-labels.ts';
import { labelsForProfile, rulesReadProfile, withoutProfileType } from './rule-input.ts';
import { readSeconds } from './timing.ts';
import { configuredParams, encodePath, formatQuery, joinPath, overrideParams, type ParamOverride } from './url.ts';

/** A profile that is on for an instance, with what the instance's labels change about its request. */
export interface EnabledProfile {
  readonly profile: ProfileConfig;
  readonly path: string | undefined;
  readonly pathPrefix: string | undefined;
  readonly overrides: readonly ParamOverride[];
}

/** Labels as the rules left them, and the profiles that are on with them. */
export interface Variant {
  readonly labels: LabelSet;
  readonly enabled: readonly EnabledProfile[];
}

/** A profile as one job configures it, before labels. */
interface ProfilePlan {
  readonly profile: ProfileConfig;
  readonly job: ScrapeConfig;
  readonly params: QueryParams;
  /** `seconds` comes from the preset and not from the user. */
  readonly hasPresetSeconds: boolean;
  /** Requests without label overrides, by interval: nearly all targets of a job share one. */
  readonly requests: Map<number, ProfileRequest>;
}

/** What one profile asks for, whatever the address. */
export interface ProfileRequest {
  readonly profile: ProfileConfig;
  readonly pathAndQuery: string;
  readonly seconds: number | undefined;
  readonly format: ProfileFormat;
}

/** Decides which profiles are on for an instance, and what is asked for each. */
export class FanOut {
  readonly #job: ScrapeConfig;
  readonly #warn: (message: string) => void;
  readonly #readsProfile: boolean;
  readonly #profileLabels: ProfileLabels;
  readonly #enabledByJob: readonly EnabledProfile[];
  readonly #plans = new Map<ProfileConfig, ProfilePlan>();

  constructor(job: ScrapeConfig, warn: (message: string) => void) {
    this.#job = job;
    this.#warn = warn;
    this.#readsProfile = rulesReadProfile(job);
    this.#profileLabels = new ProfileLabels(job, warn);
    this.#enabledByJob = [...new Set(job.enabledProfiles)].flatMap((name) => {
      const profile = job.profiles.get(name);
      return profile === undefined ? [] : [{ profile, path: undefined, pathPrefix: undefined, overrides: [] }];
    });
  }

  /** Runs the job's rules on what discovery found of a target: once, or where they read what differs, once a profile. */
  relabelled(labels: LabelSet): { readonly variants: readonly Variant[] } | { readonly droppedBy: number } {
    if (this.#readsProfile) return this.#relabelledByProfile(labels);
    const result = relabel(labels, this.#job.relabelRules, this.#warn);
    return 'droppedBy' in result ? result : { variants: this.#variantsOf(result.labels) };
  }

  #relabelledByProfile(labels: LabelSet): { readonly variants: readonly Variant[] } | { readonly droppedBy: number } {
    const { profiles, relabelRules, kind } = this.#job;
    const variants: Variant[] = [];
    let droppedBy: number | undefined;
    const pending = new Set(this.#enabledByJob.map(({ profile }) => profile));
    if (pending.size === 0) for (const profile of profiles.values()) pending.add(profile);
    // Labels may switch further profiles on, which are added while the set is walked through.
    for (const profile of pending) {
      const result = relabel(labelsForProfile(labels, profile, kind), relabelRules, this.#warn);
      if ('droppedBy' in result) {
        droppedBy ??= result.droppedBy;
        continue;
      }
      for (const variant of this.#variantsOf(withoutProfileType(result.labels, labels, profile, kind))) {
        for (const one of variant.enabled) {
          pending.add(one.profile);
          if (one.profile === profile) variants.push({ labels: variant.labels, enabled: [one] });
        }
      }
    }
    return variants.length === 0 && droppedBy !== undefined ? { droppedBy } : { variants };
  }

  /**
   * What the job's rules left, with the profiles that have no rules of their own, and a variant for each that has and is kept
   * by them. None where profiles are on and their rules drop them all.
   */
  #variantsOf(labels: LabelSet): readonly Variant[] {
    const enabled = this.#enabledFor(labels);
    const plain = enabled.filter(({ profile }) => profile.relabelRules.length === 0);
    if (plain.length === enabled.length) return [{ labels, enabled }];
    const variants: Variant[] = plain.length === 0 ? [] : [{ labels, enabled: plain }];
    for (const { profile } of enabled) {
      if (profile.relabelRules.length === 0) continue;
      const result = relabel(labels, profile.relabelRules, this.#warn);
      if ('droppedBy' in result) continue;
      // The rules may also have set the profile's path and parameters, or switched it off.
      const own = this.#enabledFor(result.labels).find((one) => one.profile === profile);
      if (own) variants.push({ labels: result.labels, enabled: [own] });
    }
    return variants;
  }

  /** By all labels that the rules left. Those of `enabled-profiles` in their order, then those that a label switched on, by name. */
  #enabledFor(labels: LabelSet): readonly EnabledProfile[] {
    const settings = this.#profileLabels.read(labels);
    const params = this.#paramLabels(labels);
    const commonPath = labels.get(PROFILE_PATH_LABEL);
    const pathPrefix = labels.get(PROFILE_PATH_PREFIX_LABEL);
    if (settings === undefined && params.length === 0 && commonPath === undefined && pathPrefix === undefined) {
      return this.#enabledByJob;
    }
    const listed = this.#enabledByJob.map(({ profile }) => profile.name);
    const switchedOn = [...(settings ?? [])].filter(([, { enabled }]) => enabled === true).map(([name]) => name);
    const enabled: EnabledProfile[] = [];
    for (const name of new Set([...listed, ...switchedOn.sort()])) {
      const profile = this.#job.profiles.get(name);
      const own = settings?.get(name);
      if (profile === undefined || own?.enabled === false) continue;
      // Where the rules see the profile's own path, it is no other one.
      const path = own?.path ?? (commonPath === profile.path ? undefined : commonPath);
      enabled.push({ profile, path, pathPrefix, overrides: [...params, ...(own?.params ?? [])] });
    }
    if (!this.#readsProfile) this.#warnOfSharedPath(enabled, commonPath);
    return enabled;
  }

  /** The label is for jobs with one profile; more of them read the same response, most of them wrongly. */
  #warnOfSharedPath(enabled: readonly EnabledProfile[], commonPath: string | undefined): void {
    if (commonPath === undefined) return;
    const sharing = enabled.filter(({ path }) => path === commonPath).map(({ profile }) => profile.name);
    if (sharing.length < 2) return;
    this.#warn(
      `label ${PROFILE_PATH_LABEL} sends ${sharing.join(', ')} to one path; ${PROFILE_PREFIX}<name>_path is for one profile`,
    );
  }

  /** Throws a `ValueError`. */
  requestFor(enabled: EnabledProfile, intervalMs: number): ProfileRequest {
    const plan = this.#planOf(enabled.profile);
    const { overrides, path, pathPrefix } = enabled;
    if (overrides.length > 0 || path !== undefined || pathPrefix !== undefined)
      return buildRequest(plan, enabled, intervalMs);
    let request = plan.requests.get(intervalMs);
    if (request === undefined) {
      request = buildRequest(plan, enabled, intervalMs);
      plan.requests.set(intervalMs, request);
    }
    return request;
  }

  #planOf(profile: ProfileConfig): ProfilePlan {
    let plan = this.#plans.get(profile);
    if (plan === undefined) {
      const job = this.#job;
      plan = {
        profile,
        job,
        params: configuredParams(job, profile),
        hasPresetSeconds: hasPresetSeconds(profile, job),
        requests: new Map(),
      };
      this.#plans.set(profile, plan);
    }
    return plan;
  }

  /** A label that still has the job's value says nothing: it must not outrank the profile's own parameters. */
  #paramLabels(labels: LabelSet): ParamOverride[] {
    const overrides: ParamOverride[] = [];
    for (const [name, value] of labels) {
      if (!name.startsWith(PARAM_PREFIX)) continue;
      const key = name.slice(PARAM_PREFIX.length);
      if (key !== '' && this.#job.params.get(key)?.[0] !== value) overrides.push({ key, value });
    }
    return overrides;
  }
}

function buildRequest(plan: ProfilePlan, labels: EnabledProfile, intervalMs: number): ProfileRequest {
  const overridden = overrideParams(plan.params, labels.overrides);
  const isPreset = plan.hasPresetSeconds && !labels.overrides.some(({ key }) => key === 'seconds');
  const presetLimit = isPreset ? presetSecondsLimit(plan.job, intervalMs) : undefined;
  const seconds = readSeconds(plan.profile.name, overridden, { presetLimit, intervalMs });
  const params = seconds === undefined ? overridden : new Map([...overridden, ['seconds', [String(seconds)]]]);
  const profile = seconds === undefined ? plan.profile : atStandardPath(plan.profile);
  const query = formatQuery(params);
  const path = encodePath(joinPath(labels.pathPrefix, labels.path ?? profile.path));
  return {
    profile,
    pathAndQuery: query === '' ? path : `${path}?${query}`,
    // A godeltaprof endpoint answers at once, whatever the query says.
    seconds: isDeltaEndpoint(profile, path) ? undefined : seconds,
    format: formatOf(profile, params),
  };
}

/** A godeltaprof endpoint ignores `seconds`; the endpoint that it stands in for answers with a difference over that time. */
function atStandardPath(profile: ProfileConfig): ProfileConfig {
  if (profile.standardPath === undefined) return profile;
  return { ...profile, path: profile.standardPath, usesDeltaEndpoint: false, standardPath: undefined };
}
