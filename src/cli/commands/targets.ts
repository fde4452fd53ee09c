import { DiscoveryPool } from '../../discovery/discovery-pool.ts';
import { formatLabels, type LabelSet } from '../../labels/label-set.ts';
import { explainRelabel } from '../../labels/relabel.ts';
import { describeDrop, describeRulePlace } from '../../targets/drop-reason.ts';
import { type TargetsOfJob, targetsFromGroups } from '../../targets/from-groups.ts';
import type { Target } from '../../targets/target.ts';
import { loadConfigFor } from '../config-source.ts';
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts';
import { type Io, paintFor } from '../io.ts';
import { createLog } from '../log.ts';
import type { TargetsFlags } from '../program.ts';
import { table } from '../render/table.ts';
import { count } from '../render/units.ts';
import { withShard } from '../shard.ts';
import { createTargetFilter, type TargetFilter } from '../target-filter.ts';

/** Runs discovery and relabelling once and shows what came of it. Exit code 1 where a discovery failed or a target is wrong. */
export async function targets(flags: TargetsFlags, io: Io): Promise<number> {
  const { config: unsharded, warnings } = await loadConfigFor(io, {
    file: flags.config ?? flags.file,
    expandEnv: flags.expandEnv,
  });
  const config = withShard(unsharded, flags.shard, io.env);
  const log = createLog(io.stderr, {
    level: () => 'info',
    format: 'text',
    paint: paintFor(io.stderr, io.env, flags.json),
    now: () => new Date(),
  });
  for (const warning of warnings) log.problem(warning);
  const filter = await createTargetFilter({ job: flags.job, profile: [], match: flags.match }, config);
  const stop = new AbortController();
  const unlisten = io.onSignal(() => stop.abort());
  const pool = new DiscoveryPool({ environment: io.env });
  let failed = false;
  const found: TargetsOfJob[] = [];
  try {
    for (const job of config.scrapeConfigs) {
      if (flags.job.length > 0 && !flags.job.includes(job.jobName)) continue;
      const update = await pool.once(job, { signal: stop.signal, timeoutMs: flags.discoveryTimeout });
      for (const failure of update.failures) {
        failed = true;
        log.error(`job ${job.jobName}: discovery failed: ${failure.message}`, { hint: failure.hint });
      }
      for (const message of update.warnings) log.warn(message);
      const ofJob = targetsFromGroups(job, update.groups);
      for (const message of ofJob.warnings) log.warn(message);
      if (ofJob.rejected.length > 0) failed = true;
      found.push(ofJob);
    }
  } finally {
    unlisten();
  }
  io.stdout.write(
    flags.json ? `${JSON.stringify(asJson(found, filter), null, 2)}\n` : asText(found, filter, flags.explain),
  );
  return failed ? EXIT_FAILED : EXIT_OK;
}

function asText(found: readonly TargetsOfJob[], filter: TargetFilter, explains: boolean): string {
  const lines: string[] = [];
  for (const { job, targets: active, dropped, droppedCount, rejected } of found) {
    const wanted = active.filter(filter.isWanted);
    lines.push(
      `job ${job.jobName}: ${count(wanted.length, 'active target')}, ${droppedCount} dropped, ${rejected.length} rejected`,
    );
    if (explains) {
      lines.push(...explainJob(wanted, filter, { job, dropped, rejected }));
      continue;
    }
    if (wanted.length > 0) {
      const rows = wanted.map((target) => [target.profile.name, target.url, formatLabels(target.labels)]);
      lines.push(...table(['PROFILE', 'URL', 'LABELS'], rows).map((line) => `  ${line}`));
    }
    for (const one of dropped) {
      if (!filter.areLabelsWanted(job.jobName, one.discoveredLabels)) continue;
      lines.push(`  dropped ${formatLabels(one.discoveredLabels)}: ${describeDrop(one.reason, job)}`);
    }
    if (droppedCount > dropped.length) lines.push(`  … and ${droppedCount - dropped.length} more dropped`);
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
    `  discovered ${formatLabels(discovered)}`,
    ...explainRules(discovered, job.relabelRules),
    ...outcome.map((line) => `    => ${line}`),
  ]);
}

function explainRules(discovered: LabelSet, rules: TargetsOfJob['job']['relabelRules']): string[] {
  const lines: string[] = [];
  for (const { ruleIndex, rule, before, after } of explainRelabel(discovered, rules)) {
    lines.push(`    ${describeRulePlace(rules, ruleIndex)}: ${describeRule(rule)}`);
    if (after === undefined) lines.push('      drops the target');
    else lines.push(...changes(before, after).map((change) => `      ${change}`));
  }
  return lines;
}

function describeRule(rule: TargetsOfJob['job']['relabelRules'][number]): string {
  const { action, written } = rule;
  const parts: string[] = [action];
  if (written.sourceLabels) parts.push(`source-labels=[${written.sourceLabels.join(', ')}]`);
  if (written.regex !== undefined) parts.push(`regex=${JSON.stringify(written.regex)}`);
  if (written.targetLabel !== undefined) parts.push(`target-label=${written.targetLabel}`);
  if (written.replacement !== undefined) parts.push(`replacement=${JSON.stringify(written.replacement)}`);
  if (written.modulus !== undefined) parts.push(`modulus=${written.modulus}`);
  return parts.join(' ');
}

function changes(before: LabelSet, after: LabelSet): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const lines = names.flatMap((name) => {
    const old = before.get(name);
    const now = after.get(name);
    if (old === now) return [];
    if (now === undefined) return [`- ${name}=${JSON.stringify(old)}`];
    if (old === undefined) return [`+ ${name}=${JSON.stringify(now)}`];
    return [`~ ${name}=${JSON.stringify(old)} -> ${JSON.stringify(now)}`];
  });
  return lines.length > 0 ? lines : ['no change'];
}

function asJson(found: readonly TargetsOfJob[], filter: TargetFilter): unknown {
  return {
    activeTargets: found.flatMap((ofJob) =>
      ofJob.targets.filter(filter.isWanted).map((target) => ({
        job: target.job.jobName,
        profile: target.profile.name,
        url: target.url,
        labels: Object.fromEntries(target.labels),
        discoveredLabels: Object.fromEntries(target.discoveredLabels),
        scrapeInterval: `${target.scrapeIntervalMs}ms`,
        scrapeTimeout: `${target.scrapeTimeoutMs}ms`,
      })),
    ),
    droppedTargets: found.flatMap(({ job, dropped }) =>
      dropped
        .filter((one) => filter.areLabelsWanted(one.jobName, one.discoveredLabels))
        .map((one) => ({
          job: one.jobName,
          discoveredLabels: Object.fromEntries(one.discoveredLabels),
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
          discoveredLabels: Object.fromEntries(one.discoveredLabels),
          error: one.message,
          hint: one.hint,
        })),
    ),
  };
}
