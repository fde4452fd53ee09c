import { formatDuration } from '../../config/duration.ts';
import { formatLabels } from '../../labels/label-set.ts';
import type { Plan, Step } from '../../pull.ts';
import { shownLabels } from '../../status/shown-labels.ts';
import { instanceIdOf } from '../../targets/instance-address.ts';
import { table } from './table.ts';
import { count } from './units.ts';

/** `scraping 10 profiles of 2 instances into profiles, window 10s`. */
export function planLine(plan: Plan, receivers: readonly string[]): string {
  const window = plan.windowMs > 0 ? `; two snapshots ${formatDuration(plan.windowMs)} apart` : '';
  const longest = plan.steps.reduce((most, { target }) => Math.max(most, target.seconds ?? 0), 0);
  const measuring = longest > 0 ? `; profiles of up to ${longest}s` : '';
  return `scraping ${count(plan.steps.length, 'profile')} of ${count(instancesOf(plan), 'instance')} into ${receivers.join(', ')}${measuring}${window}`;
}

/** What a run would do, for people. */
export function dryRunLines(plan: Plan, receivers: readonly string[]): readonly string[] {
  const rows = plan.steps.map((step) => [
    step.target.profile.name,
    howScraped(step),
    step.target.url,
    formatLabels(new Map(shownLabels(step.target.labels))),
  ]);
  const list = rows.length > 0 ? table(['PROFILE', 'SCRAPED', 'URL', 'LABELS'], rows) : [];
  return [...list, `would be sent to: ${receivers.join(', ')}`];
}

/** The same, one JSON object a line. */
export function dryRunJson(plan: Plan): string {
  return plan.steps
    .map(({ target, scrapes, windowMs }) => ({
      outcome: 'planned',
      job: target.job.jobName,
      profile: target.profile.name,
      url: target.url,
      labels: Object.fromEntries(shownLabels(target.labels)),
      scrapes: scrapes === 'twice' ? 2 : 1,
      windowMs,
    }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

function howScraped({ target, scrapes, windowMs }: Step): string {
  if (target.seconds !== undefined) return `measures ${target.seconds}s`;
  return scrapes === 'twice' ? `twice, ${formatDuration(windowMs)} apart` : 'once';
}

function instancesOf(plan: Plan): number {
  return new Set(plan.steps.map(({ target }) => instanceIdOf(target))).size;
}
