import { TreeList, TreeMap, TreeScalar } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import type { NormalizedConfig } from '../normalize/config.ts';
import { isIgnoredGlobalKey, isIgnoredRootKey } from '../schema/config.ts';
import { isIgnoredOldKey, isIgnoredOldTargetKey } from '../schema/remote-write.ts';
import { warnOfIgnored } from './ignored-keys.ts';
import { JOB_RULES } from './job-rules.ts';

type ConfigRule = (normalized: NormalizedConfig, report: Reporter) => void;

const CONFIG_RULES: readonly ConfigRule[] = [hasJobs, jobNamesAreUnique, ignoredKeysAreNamed];

/** Everything that no single key can tell. */
export function checkRules(normalized: NormalizedConfig, report: Reporter): void {
  for (const rule of CONFIG_RULES) rule(normalized, report);
  for (const job of normalized.jobs) for (const rule of JOB_RULES) rule(job);
}

function hasJobs(_: NormalizedConfig, report: Reporter): void {
  const list = report.at('scrape-configs');
  const { node } = list;
  const isBlank = node instanceof TreeScalar && node.isNull && !node.isFaulty;
  const isEmpty = (node instanceof TreeList && node.items.length === 0) || isBlank;
  if (isEmpty) list.error('nothing to scrape: the list is empty', 'add a job: - job-name: …', 'key');
}

function jobNamesAreUnique({ jobs }: NormalizedConfig): void {
  const places = new Map<string, Reporter>();
  for (const { config, report } of jobs) {
    const place = report.at('job-name');
    const earlier = places.get(config.jobName);
    if (config.jobName === '') continue;
    if (earlier) {
      const message = `job "${config.jobName}" is defined on lines ${earlier.line} and ${place.line}`;
      place.error(message, 'give each job a name of its own');
    } else {
      places.set(config.jobName, place);
    }
  }
}

function ignoredKeysAreNamed(_: NormalizedConfig, report: Reporter): void {
  warnOfIgnored(report, isIgnoredRootKey, (keys) => `${keys.join(', ')}: settings of a server, without effect here`);
  warnOfIgnored(report.at('global'), isIgnoredGlobalKey, (keys) => `${keys.join(', ')}: without effect on profiles`);
  const remotes = report.at('remote-write');
  if (!(remotes.node instanceof TreeMap)) return;
  warnOfIgnored(remotes, isIgnoredOldKey, (keys) => `${keys.join(', ')}: without effect, as nothing is stored here`);
  for (const name of remotes.at('targets').keys) {
    warnOfIgnored(
      remotes.at('targets', name),
      isIgnoredOldTargetKey,
      (keys) => `${keys.join(', ')}: without effect, as the queue is on disk`,
    );
  }
}
