import { META_PREFIX, NAME_LABEL, SERVICE_NAME_LABEL } from '../../labels/label-set.ts';
import type { RelabelRule } from '../../labels/relabel.ts';
import { couldSet, nameSetBy } from '../../labels/settable.ts';
import { TreeList, type TreeNode, TreeScalar } from '../document/tree.ts';
import { nearestWord } from '../nearest-word.ts';
import type { NormalizedConfig } from '../normalize/config.ts';
import type { NormalizedJob } from '../normalize/job.ts';

/**
 * Reports jobs that can have no usable target, whatever discovery finds, with the line that would help. Gives their names, but
 * of those that make the file wrong.
 */
export function findUnusableJobs({ jobs }: NormalizedConfig): ReadonlySet<string> {
  const unusable = new Set<string>();
  const idle = new Set(jobs.filter(isIdle));
  for (const job of jobs) {
    const verdicts = [
      hasDiscovery(job),
      !idle.has(job) || reportIdle(job, idle.size < jobs.length),
      canHaveApplication(job),
    ];
    if (verdicts.includes(false)) unusable.add(job.config.jobName);
  }
  return unusable;
}

/** A source that is there but faulty has been reported already. */
function hasDiscovery({ report }: NormalizedJob): boolean {
  const sources = report.keys.filter((key) => /^static[-_]configs$|[-_]sd[-_]configs$/.test(key));
  if (sources.some((key) => !isBlank(report.at(key).node))) return true;
  report.warn('has no targets', 'add static-configs, file-sd-configs or another discovery');
  return false;
}

function isBlank(node: TreeNode | undefined): boolean {
  return (node instanceof TreeScalar && node.isNull) || (node instanceof TreeList && node.items.length === 0);
}

const ENABLING_LABEL = /^__profile_\w+_enabled$/;
const ENABLING_START = '__profile_';

/** Nothing is scraped, but where a label of the target or a rule switches a profile on. */
function isIdle({ config, report }: NormalizedJob): boolean {
  const list = report.at('enabled-profiles');
  const hasBrokenList = list.isWritten && !(list.node instanceof TreeList && list.node.items.length === 0);
  const hasNull = list.node instanceof TreeScalar && list.node.isNull;
  if (config.enabledProfiles.length > 0 || (hasBrokenList && !hasNull)) return false;
  // Said to be an unknown key.
  if (!list.isWritten && report.keys.some((key) => nearestWord(key, ['enabled-profiles']) !== undefined)) return false;
  return !report.at('annotation-preset').isWritten && !hasEnablingRule({ config, report });
}

function hasEnablingRule({ config, report }: Pick<NormalizedJob, 'config' | 'report'>): boolean {
  const written = report.at('relabel-configs').node;
  const rules = config.relabelRules.filter(({ written }) => written.preset === undefined);
  // One that could not be read may have been such a rule.
  if (written instanceof TreeList && written.items.length > rules.length) return true;
  return rules.some(isEnabling);
}

function isEnabling(rule: RelabelRule): boolean {
  const name = nameSetBy(rule);
  if (name === undefined) return false;
  if (name.isWhole) return ENABLING_LABEL.test(name.start);
  // No label of a pod or a service begins with "__", so what is named after one is no such label.
  if (name.start === '') return !rule.written.regex?.startsWith(META_PREFIX);
  return name.start.startsWith(ENABLING_START) || ENABLING_START.startsWith(name.start);
}

/**
 * Without a profile nothing would be scraped, and nobody would be told. A file of Prometheus has jobs that are for metrics alone:
 * they are no fault beside a job with profiles. True where a discovered label may still switch a profile on.
 */
function reportIdle({ config, report }: NormalizedJob, hasOthers: boolean): boolean {
  const canLabelsEnable = config.discovery.some((source) => {
    if (source.mechanism !== 'static') return source.mechanism === 'file' || source.mechanism === 'http';
    return source.groups.some(({ labels }) => [...labels.keys()].some((label) => ENABLING_LABEL.test(label)));
  });
  const list = report.at('enabled-profiles');
  const place = list.isWritten ? list : report;
  const hint = 'add enabled-profiles: [cpu, mem, goroutines, mutex, block]';
  if (!canLabelsEnable && config.kind === 'prometheus' && hasOthers) {
    place.warn('no profile is enabled, so nothing of this job is scraped', hint, 'key');
    return false;
  }
  if (!canLabelsEnable) {
    place.error('no profile is enabled', hint, 'key');
    return false;
  }
  if (config.discovery.every((source) => source.mechanism !== 'static')) {
    place.warn('no profile is enabled but where a discovered label __profile_<name>_enabled says so', hint, 'key');
  }
  return true;
}

/** What these mechanisms find has labels for rules only, so a rule must name the application. */
const NAMELESS_MECHANISMS: ReadonlySet<string> = new Set(['kubernetes', 'dns', 'consul']);

const EXAMPLE_SOURCES: Readonly<Record<string, string>> = {
  kubernetes: '__meta_kubernetes_pod_container_name',
  dns: '__meta_dns_name',
  consul: '__meta_consul_service',
};

function canHaveApplication({ config, report }: NormalizedJob): boolean {
  if (config.kind !== 'pyroscope' || config.discovery.length === 0) return true;
  if (config.discovery.some(({ mechanism }) => !NAMELESS_MECHANISMS.has(mechanism))) return true;
  const written = report.at('relabel-configs').node;
  const rules = [...config.relabelRules, ...[...config.profiles.values()].flatMap(({ relabelRules }) => relabelRules)];
  if (written instanceof TreeList && written.items.length > rules.length) return true;
  if (rules.some((rule) => [NAME_LABEL, SERVICE_NAME_LABEL].some((label) => couldSet(rule, label)))) return true;
  const source = EXAMPLE_SOURCES[config.discovery[0]?.mechanism ?? ''];
  report.warn(
    'no target of it has an application name',
    `add to relabel-configs: - {source-labels: [${source}], target-label: __name__}`,
    'key',
  );
  return false;
}
