import { formatLabels, type LabelSet } from '../../labels/label-set.ts';
import { explainRelabel, type RelabelRule, type RelabelStep } from '../../labels/relabel.ts';
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
export function targetsText(found: readonly TargetsOfJob[], filter: TargetFilter, explains: boolean): string {
  const lines: string[] = [];
  for (const ofJob of found) {
    const { job, targets: active, dropped, droppedCount, rejected } = ofJob;
    const wanted = active.filter(filter.isWanted);
    lines.push(jobLine(ofJob, wanted.length));
    if (explains) {
      for (const line of explainJob(wanted, filter, { job, dropped, rejected })) lines.push(line);
      continue;
    }
    if (wanted.length > 0) {
      const rows = wanted.map((target) => [target.profile.name, target.url, formatLabels(target.labels)]);
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
  return lines.map((line) => `${line}\n`).join('');
}

/** Each discovered label set once, with the rules replayed and what it ended as. */
function explainJob(
  wanted: readonly Target[],
  filter: TargetFilter,
  { job, dropped, rejected }: Pick<TargetsOfJob, 'job' | 'dropped' | 'rejected'>,
): string[] {
  const ends = new Map<LabelSet, string[]>();
  for (const target of wanted) {
    const end = `scraped as ${target.profile.name}: ${target.url}`;
    const known = ends.get(target.discoveredLabels);
    if (known) known.push(end);
    else ends.set(target.discoveredLabels, [end]);
  }
  for (const one of dropped) {
    if (filter.areLabelsWanted(job.jobName, one.discoveredLabels))
      ends.set(one.discoveredLabels, [`dropped: ${describeDrop(one.reason, job)}`]);
  }
  for (const one of rejected) {
    if (filter.areLabelsWanted(job.jobName, one.discoveredLabels))
      ends.set(one.discoveredLabels, [`rejected: ${one.message}`]);
  }
  return [...ends].flatMap(([discovered, outcome]) => [
    `  discovered ${formatLabels(new Map(shownLabels(discovered)))}`,
    ...explainRules(discovered, job),
    ...outcome.map((line) => `    => ${line}`),
  ]);
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

/** Of the rules that single profiles have, those that do something. */
function explainProfiles(labels: LabelSet, { profiles }: TargetsOfJob['job']): string[] {
  const lines: string[] = [];
  for (const { name, relabelRules } of profiles.values()) {
    const steps = [...explainRelabel(labels, relabelRules)];
    const last = steps.at(-1);
    if (last === undefined) continue;
    lines.push(`    rules of profile ${name}${last.after === undefined ? ', which drop it' : ''}:`);
    const shown = last.after === undefined ? [last] : steps.filter((step) => changes(step).length > 0);
    lines.push(...shown.flatMap((step) => explainStep(step, relabelRules)).map((line) => `      ${line}`));
  }
  return lines;
}

function explainStep(step: RelabelStep, rules: readonly RelabelRule[]): string[] {
  const told = changes(step);
  return [
    `${describeRulePlace(rules, step.ruleIndex)}: ${describeRule(step.rule)}`,
    ...(told.length > 0 ? told : ['no change']).map((change) => `  ${change}`),
  ];
}

function describeRule(rule: RelabelRule): string {
  const { action, written } = rule;
  const parts: string[] = [action];
  if (written.sourceLabels) parts.push(`source-labels=[${written.sourceLabels.join(', ')}]`);
  if (written.regex !== undefined) parts.push(`regex=${JSON.stringify(written.regex)}`);
  if (written.targetLabel !== undefined) parts.push(`target-label=${written.targetLabel}`);
  if (written.replacement !== undefined) parts.push(`replacement=${JSON.stringify(written.replacement)}`);
  if (written.modulus !== undefined) parts.push(`modulus=${written.modulus}`);
  return parts.join(' ');
}

function changes({ before, after }: RelabelStep): string[] {
  if (after === undefined) return ['drops the target'];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const old = before.get(name);
    const now = after.get(name);
    if (old === now) return [];
    if (now === undefined) return [`- ${name}=${JSON.stringify(old)}`];
    if (old === undefined) return [`+ ${name}=${JSON.stringify(now)}`];
    return [`~ ${name}=${JSON.stringify(old)} -> ${JSON.stringify(now)}`];
  });
}

/** One document, before and after relabelling. */
export function targetsJson(found: readonly TargetsOfJob[], filter: TargetFilter): unknown {
  return {
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
    labels: Object.fromEntries(target.labels),
    discoveredLabels: Object.fromEntries(shownLabels(target.discoveredLabels)),
    scrapeInterval: `${target.scrapeIntervalMs}ms`,
    scrapeTimeout: `${target.scrapeTimeoutMs}ms`,
  };
}
