import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { RelabelRule } from '../labels/relabel.ts';
import type { DropReason } from './target.ts';

/** Why a target was dropped, as a clause for people: `rule 2 (line 14): drop`. */
export function describeDrop(reason: DropReason, job: ScrapeConfig): string {
  switch (reason.type) {
    case 'relabel': {
      const rule = job.relabelRules[reason.ruleIndex];
      return `relabel ${describeRulePlace(job.relabelRules, reason.ruleIndex)}: ${rule?.action ?? 'drop'}`;
    }
    case 'no-profile-enabled':
      return 'no profile is enabled for it';
    case 'shard':
      return `it belongs to shard ${reason.shard} of ${job.shard?.total}, this is shard ${job.shard?.index}`;
    case 'sample':
      return `it is not in the sample of ${describeSample(job.sample)} at the moment`;
    case 'target-limit':
      return `the job has more instances than its target-limit of ${reason.limit}`;
  }
}

/** Where a rule stands: `rule 2 (line 14)` of the user's list, or `rule 0 of annotation-preset pyroscope.io`. */
export function describeRulePlace(rules: readonly RelabelRule[], index: number): string {
  const { written, line } = rules[index] ?? {};
  if (written?.preset !== undefined) return `rule ${index} of annotation-preset ${written.preset}`;
  const before = rules.slice(0, index).filter((rule) => rule.written.preset !== undefined).length;
  return `rule ${index - before}${line === undefined ? '' : ` (line ${line})`}`;
}

function describeSample(sample: ScrapeConfig['sample']): string {
  return sample?.type === 'count' ? String(sample.count) : `ratio ${sample?.ratio}`;
}
