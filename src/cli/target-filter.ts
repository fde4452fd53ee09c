import type { Config } from '../config/scrape-config.ts';
import { UsageError } from '../errors.ts';
import { ADDRESS_LABEL, type LabelSet } from '../labels/label-set.ts';
import type { Target } from '../targets/target.ts';

export interface FilterFlags {
  readonly job: readonly string[];
  readonly profile: readonly string[];
  readonly match: readonly string[];
}

export interface TargetFilter {
  isWanted(target: Target): boolean;
  /** For what never became a target: only `--job` and `--match` can look at it. */
  areLabelsWanted(jobName: string, discoveredLabels: LabelSet): boolean;
}

/** `--job`, `--profile` and `--match`: several of one kind widen, different kinds narrow. */
export async function createTargetFilter(flags: FilterFlags, config: Config): Promise<TargetFilter> {
  const jobs = new Set(flags.job);
  const known = config.scrapeConfigs.map((job) => job.jobName);
  for (const job of jobs) {
    if (!known.includes(job))
      throw new UsageError(`--job ${job}: the config has no such job`, { hint: `it has: ${known.join(', ')}` });
  }
  const profiles = new Set(flags.profile.length === 0 ? [] : await canonicalNames(flags.profile, config));
  const matches = flags.match.length === 0 ? undefined : await compileMatches(flags.match);
  const isJobWanted = (jobName: string) => jobs.size === 0 || jobs.has(jobName);
  return {
    isWanted: (target) =>
      isJobWanted(target.job.jobName) &&
      (profiles.size === 0 || profiles.has(target.profile.name)) &&
      (matches === undefined || matches([hostPort(target.url), ...target.labels.values()])),
    areLabelsWanted: (jobName, discoveredLabels) =>
      isJobWanted(jobName) &&
      (matches === undefined || matches([discoveredLabels.get(ADDRESS_LABEL) ?? '', ...discoveredLabels.values()])),
  };
}

async function canonicalNames(names: readonly string[], config: Config): Promise<string[]> {
  const { canonicalProfileName } = await import('../config/presets.ts');
  const known = new Set(config.scrapeConfigs.flatMap((job) => [...job.profiles.keys()]));
  return names.map((name) => {
    const canonical = known.has(name) ? name : canonicalProfileName(name);
    if (!known.has(canonical)) {
      throw new UsageError(`--profile ${name}: there is no such profile`, { hint: `known: ${[...known].join(', ')}` });
    }
    return canonical;
  });
}

async function compileMatches(patterns: readonly string[]): Promise<(texts: readonly string[]) => boolean> {
  const { RE2JS } = await import('re2js');
  const compiled = patterns.map((pattern) => {
    try {
      return RE2JS.compile(pattern);
    } catch (error) {
      throw new UsageError(
        `--match ${pattern}: ${error instanceof Error ? error.message : 'not a regular expression'}`,
        {
          hint: 'RE2 syntax, as in relabel rules; it may match anywhere in an address or label value',
          cause: error,
        },
      );
    }
  });
  return (texts) => compiled.some((regex) => texts.some((text) => regex.matcher(text).find()));
}

function hostPort(url: string): string {
  return /^[a-z]+:\/\/([^/]*)/.exec(url)?.[1] ?? url;
}
