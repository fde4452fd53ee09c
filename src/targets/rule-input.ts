import type { FileKind } from '../config/file-kind.ts';
import type { ProfileConfig, ScrapeConfig } from '../config/scrape-config.ts';
import { type LabelSet, NAME_LABEL, PROFILE_PATH_LABEL } from '../labels/label-set.ts';
import type { RelabelRule } from '../labels/relabel.ts';

/**
 * Whether the job's rules read what differs from profile to profile: its path, and in files of Parca and its kin its type. Then
 * they run once a profile, as they do there. Rules that only write `__profile_path__` write it for all profiles.
 */
export function rulesReadProfile({ relabelRules, kind }: Pick<ScrapeConfig, 'relabelRules' | 'kind'>): boolean {
  return relabelRules.some((rule) => reads(rule, PROFILE_PATH_LABEL) || (hasTypes(kind) && reads(rule, NAME_LABEL)));
}

function reads({ action, sourceLabels, targetLabel }: RelabelRule, label: string): boolean {
  return sourceLabels.includes(label) || (/^(keep|drop)equal$/.test(action) && targetLabel === label);
}

/**
 * What such rules see of one profile: `__profile_path__`, and where the file's system calls the profile's type `__name__` that
 * too (Parca's and Phlare's LabelsByProfiles). `labels` are those of discovery.
 */
export function labelsForProfile(labels: LabelSet, profile: ProfileConfig, kind: FileKind): LabelSet {
  const seen = new Map(labels);
  if (!seen.has(PROFILE_PATH_LABEL)) seen.set(PROFILE_PATH_LABEL, profile.path);
  if (hasTypes(kind)) seen.set(NAME_LABEL, typeOf(profile, kind));
  return seen;
}

/** What the rules left of it, with `__name__` the application again, unless a rule has set it. */
export function withoutProfileType(left: LabelSet, before: LabelSet, profile: ProfileConfig, kind: FileKind): LabelSet {
  if (!hasTypes(kind) || left.get(NAME_LABEL) !== typeOf(profile, kind)) return left;
  const restored = new Map(left);
  const application = before.get(NAME_LABEL);
  if (application === undefined) restored.delete(NAME_LABEL);
  else restored.set(NAME_LABEL, application);
  return restored;
}

function hasTypes(kind: FileKind): boolean {
  return kind === 'parca' || kind === 'phlare' || kind === 'conprof';
}

const PARCA_TYPES: ReadonlyMap<string, string> = new Map([
  ['cpu', 'process_cpu'],
  ['mem', 'memory'],
  ['goroutines', 'goroutine'],
]);

const CONPROF_TYPES: ReadonlyMap<string, string> = new Map([
  ['cpu', 'profile'],
  ['mem', 'heap'],
  ['goroutines', 'goroutine'],
]);

function typeOf({ name }: ProfileConfig, kind: FileKind): string {
  return (kind === 'conprof' ? CONPROF_TYPES : PARCA_TYPES).get(name) ?? name;
}
