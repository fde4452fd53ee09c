import { formatDuration } from '../../config/duration.ts';
import type { ScrapeConfig } from '../../config/scrape-config.ts';
import { formatLabels, type LabelSet } from '../../labels/label-set.ts';
import { explainRelabel, type RelabelRule, type RelabelStep } from '../../labels/relabel.ts';
import { redactLabel } from '../../safe-text/redact-url.ts';
import { shownLabels } from '../../status/shown-labels.ts';
import { describeDrop, describeRulePlace } from '../../targets/drop-reason.ts';
import type { TargetsOfJob } from '../../targets/from-groups.ts';
import { labelsForProfile, rulesReadProfile } from '../../targets/rule-input.ts';
import type { Target } from '../../targets/target.ts';
import type { TargetFilter } from '../target-filter.ts';
import { table } from './table.ts';
import { count } from './units.ts';

/** `job shop: 3 active targets, 1 dropped instance, 0 rejected`. */
export function jobLine({ job, droppedCount, rejected }: TargetsOfJob, active: number): string {
  return `job ${job.jobName}: ${count(active, 'active target')}, ${count(droppedCount, 'dropped instance')}, ${rejected.length} rejected`;
}

/** For people: active, dropped and rejected targets of each job. */
export function targetsLines(
  found: readonly TargetsOfJob[],
  filter: TargetFilter,
  explains: boolean,
): readonly string[] {
  const lines: string[] = [];
  for (const ofJob of found) {
    const { job, targets: active, dropped, droppedCount, rejected } = ofJob;
    const wanted = active.filter(filter.isWanted);
    lines.push(jobLine(ofJob, wanted.length));
    if (explains) {
      for (const one of explainedOf(wanted, filter, { job, dropped, rejected })) {
        for (const line of explainLines(one)) lines.push(line);
      }
      continue;
    }
    if (wanted.length > 0) {
      const rows = wanted.map((target) => [
        target.profile.name,
        target.url,
        formatLabels(new Map(shownLabels(target.labels))),
      ]);
      for (const line of table(['PROFILE', 'URL', 'LABELS'], rows)) lines.push(`  ${line}`);
    }
    for (const one of dropped) {
      if (!filter.areLabelsWanted(job.jobName, one.discoveredLabels)) continue;
      lines.push(
        `  dropped ${formatLabels(new Map(shownLabels(one.discoveredLabels)))}: ${describeDrop(one.reason, job)}`,
      );
    }
    if (droppedCount > dropped.length) lines.push(`  … and ${droppedCount - dropped.length} more dropped instances`);
    for (const one of rejected) {
      if (!filter.areLabelsWanted(job.jobName, one.discoveredLabels)) continue;
      lines.push(`  rejected ${one.place}: ${one.message}${one.hint ? ` (${one.hint})` : ''}`);
    }
  }
  return lines;
}

/** A discovered label set and what it ended as. */
interface Explained {
  readonly job: ScrapeConfig;
  readonly discoveredLabels: LabelSet;
  readonly ends: readonly End[];
}

type End =
  | { readonly outcome: 'scraped'; readonly profile: string; readonly url: string }
  | { readonly outcome: 'dropped'; readonly reason: string }
  | { readonly outcome: 'rejected'; readonly error: string; readonly hint: string | undefined };

/** Each discovered label set once. */
function explainedOf(
  wanted: readonly Target[],
  filter: TargetFilter,
  { job, dropped, rejected }: Pick<TargetsOfJob, 'job' | 'dropped' | 'rejected'>,
): readonly Explained[] {
  const ends = new Map<LabelSet, End[]>();
  for (const target of wanted) {
    const end: End = { outcome: 'scraped', profile: target.profile.name, url: target.url };
    const known = ends.get(target.discoveredLabels);
    if (known) known.push(end);
    else ends.set(target.discoveredLabels, [end]);
  }
  for (const one of dropped) {
    if (filter.areLabelsWanted(job.jobName, one.discoveredLabels))
      ends.set(one.discoveredLabels, [{ outcome: 'dropped', reason: describeDrop(one.reason, job) }]);
  }
  for (const one of rejected) {
    if (filter.areLabelsWanted(job.jobName, one.discoveredLabels))
      ends.set(one.discoveredLabels, [{ outcome: 'rejected', error: one.message, hint: one.hint }]);
  }
  return [...ends].map(([discoveredLabels, all]) => ({ job, discoveredLabels, ends: all }));
}

/** The rules replayed, and how it ended. */
function explainLines({ job, discoveredLabels, ends }: Explained): readonly string[] {
  return [
    `  discovered ${formatLabels(new Map(shownLabels(discoveredLabels)))}`,
    ...explainRules(discoveredLabels, job),
    ...ends.map((end) => `    => ${describeEnd(end)}`),
  ];
}

function describeEnd(end: End): string {
  switch (end.outcome) {
    case 'scraped':
      return `scraped as ${end.profile}: ${end.url}`;
    case 'dropped':
      return `dropped: ${end.reason}`;
    case 'rejected':
      return `rejected: ${end.error}`;
  }
}

/** The same as an object. Of the rules that single profiles have there are only those that did something. */
function explainJson({ job, discoveredLabels, ends }: Explained): Record<string, unknown> {
  const steps = [...explainRelabel(discoveredLabels, job.relabelRules)];
  const last = steps.at(-1);
  const labels = last === undefined ? discoveredLabels : last.after;
  const ofProfiles = labels === undefined ? [] : profileSteps(labels, job);
  return {
    job: job.jobName,
    discoveredLabels: Object.fromEntries(shownLabels(discoveredLabels)),
    steps: steps.map((step) => stepJson(step, job.relabelRules)),
    profiles: ofProfiles.map(({ name, rules, steps: shown }) => ({
      profile: name,
      steps: shown.map((step) => stepJson(step, rules)),
    })),
    ends,
  };
}

function stepJson(step: RelabelStep, rules: readonly RelabelRule[]): Record<string, unknown> {
  return {
    rule: describeRulePlace(rules, step.ruleIndex),
    action: step.rule.action,
    ...shownRule(step.rule),
    changes: step.after === undefined ? [] : changedLabels(step),
    drops: step.after === undefined,
  };
}

/** Rules that read what differs from profile to profile run once a profile. */
function explainRules(discovered: LabelSet, job: TargetsOfJob['job']): string[] {
  if (!rulesReadProfile(job)) return explainRun(discovered, job);
  return job.enabledProfiles.flatMap((name) => {
    const profile = job.profiles.get(name);
    if (profile === undefined) return [];
    const run = explainRun(labelsForProfile(discovered, profile, job.kind), job);
    return [`    for profile ${name}:`, ...run.map((line) => `  ${line}`)];
  });
}

function explainRun(before: LabelSet, job: TargetsOfJob['job']): string[] {
  const lines: string[] = [];
  let labels: LabelSet | undefined = before;
  for (const step of explainRelabel(before, job.relabelRules)) {
    lines.push(...explainStep(step, job.relabelRules).map((line) => `    ${line}`));
    labels = step.after;
  }
  return labels === undefined ? lines : [...lines, ...explainProfiles(labels, job)];
}

interface ProfileSteps {
  readonly name: string;
  readonly rules: readonly RelabelRule[];
  readonly steps: readonly RelabelStep[];
  readonly isDropped: boolean;
}

/** The rules that single profiles have, as far as they do something. */
function profileSteps(labels: LabelSet, { profiles }: TargetsOfJob['job']): readonly ProfileSteps[] {
  return [...profiles.values()].flatMap(({ name, relabelRules: rules }): ProfileSteps[] => {
    const all = [...explainRelabel(labels, rules)];
    const last = all.at(-1);
    if (last === undefined) return [];
    const isDropped = last.after === undefined;
    const steps = isDropped ? [last] : all.filter((step) => changedLabels(step).length > 0);
    return [{ name, rules, steps, isDropped }];
  });
}

function explainProfiles(labels: LabelSet, job: TargetsOfJob['job']): string[] {
  return profileSteps(labels, job).flatMap(({ name, rules, steps, isDropped }) => [
    `    rules of profile ${name}${isDropped ? ', which drop it' : ''}:`,
    ...steps.flatMap((step) => explainStep(step, rules)).map((line) => `      ${line}`),
  ]);
}

function explainStep(step: RelabelStep, rules: readonly RelabelRule[]): string[] {
  const told = changes(step);
  return [
    `${describeRulePlace(rules, step.ruleIndex)}: ${describeRule(step.rule)}`,
    ...(told.length > 0 ? told : ['no change']).map((change) => `  ${change}`),
  ];
}

function describeRule(rule: RelabelRule): string {
  const { sourceLabels, regex, targetLabel, replacement, modulus } = shownRule(rule);
  const parts: string[] = [rule.action];
  if (sourceLabels) parts.push(`source-labels=[${sourceLabels.join(', ')}]`);
  if (regex !== undefined) parts.push(`regex=${JSON.stringify(regex)}`);
  if (targetLabel !== undefined) parts.push(`target-label=${targetLabel}`);
  if (replacement !== undefined) parts.push(`replacement=${JSON.stringify(replacement)}`);
  if (modulus !== undefined) parts.push(`modulus=${modulus}`);
  return parts.join(' ');
}

/** A rule as it was written, but for what it gives to a secret parameter. */
function shownRule({ written }: RelabelRule): RelabelRule['written'] {
  const { targetLabel = '', replacement } = written;
  return replacement === undefined ? written : { ...written, replacement: redactLabel(targetLabel, replacement) };
}

function changes(step: RelabelStep): string[] {
  if (step.after === undefined) return ['drops the target'];
  return changedLabels(step).map(({ name, before, after }) => {
    if (after === undefined) return `- ${name}=${JSON.stringify(before)}`;
    if (before === undefined) return `+ ${name}=${JSON.stringify(after)}`;
    return `~ ${name}=${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
  });
}

/** A label that a rule changed, as it may be shown; undefined where it was not there. */
interface ChangedLabel {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function changedLabels({ before, after = new Map() }: RelabelStep): readonly ChangedLabel[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const shown = (name: string, value: string | undefined) => value && redactLabel(name, value);
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({ name, before: shown(name, before.get(name)), after: shown(name, after.get(name)) }));
}

/** One document, before and after relabelling; with `explains` also the way from the one to the other. */
export function targetsJson(found: readonly TargetsOfJob[], filter: TargetFilter, explains: boolean): unknown {
  const explained = found.flatMap((ofJob) =>
    explainedOf(ofJob.targets.filter(filter.isWanted), filter, ofJob).map(explainJson),
  );
  return {
    ...(explains && { explained }),
    activeTargets: found.flatMap((ofJob) => ofJob.targets.filter(filter.isWanted).map(targetJson)),
    droppedTargets: found.flatMap(({ job, dropped }) =>
      dropped
        .filter((one) => filter.areLabelsWanted(one.jobName, one.discoveredLabels))
        .map((one) => ({
          job: one.jobName,
          discoveredLabels: Object.fromEntries(shownLabels(one.discoveredLabels)),
          reason: describeDrop(one.reason, job),
        })),
    ),
    droppedTargetCounts: Object.fromEntries(found.map(({ job, droppedCount }) => [job.jobName, droppedCount])),
    rejectedTargets: found.flatMap(({ rejected }) =>
      rejected
        .filter((one) => filter.areLabelsWanted(one.jobName, one.discoveredLabels))
        .map((one) => ({
          job: one.jobName,
          place: one.place,
          discoveredLabels: Object.fromEntries(shownLabels(one.discoveredLabels)),
          error: one.message,
          hint: one.hint,
        })),
    ),
  };
}

/** One active target. */
export function targetJson(target: Target) {
  return {
    job: target.job.jobName,
    profile: target.profile.name,
    url: target.url,
    labels: Object.fromEntries(shownLabels(target.labels)),
    discoveredLabels: Object.fromEntries(shownLabels(target.discoveredLabels)),
    scrapeInterval: formatDuration(target.scrapeIntervalMs),
    scrapeTimeout: formatDuration(target.scrapeTimeoutMs),
  };
}
