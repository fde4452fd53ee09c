import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { DropReason } from './target.ts';

/** Why a target was dropped, as a clause for people: `rule 2 (line 14): drop`. */
export function describeDrop(reason: DropReason, job: ScrapeConfig): string {
  switch (reason.type) {
    case 'relabel': {
      const rule = job.relabelRules[reason.ruleIndex];
      const line = rule?.line === undefined ? '' : ` (line ${rule.line})`;
      return `relabel rule ${reason.ruleIndex}${line}: ${rule?.action ?? 'drop'}`;
    }
    case 'no-profile-enabled':
      return 'no profile is enabled for it';
    case 'target-limit':
      return `the job has more targets than its target-limit of ${reason.limit}`;
  }
}
