import { ADDRESS_LABEL, METRICS_PATH_LABEL, PORT_LABEL } from '../../labels/label-set.ts';
import { isFilter } from '../../labels/relabel.ts';
import { couldSet } from '../../labels/settable.ts';
import { quote, TreeList, TreeScalar } from '../document/tree.ts';
import { nearestWord } from '../nearest-word.ts';
import type { NormalizedJob } from '../normalize/job.ts';
import { canonicalProfileName, PRESETS } from '../presets.ts';
import { exclude } from '../schema/http-client-rules.ts';
import { isIgnoredJobKey } from '../schema/job.ts';
import { staticAddressFault } from '../static-address.ts';
import { configuredFormat } from '../text-format.ts';
import { warnOfIgnored } from './ignored-keys.ts';
import { exclusiveFitsTheInterval, secondsFitTheInterval } from './seconds-rules.ts';

/** A check of one job across its keys: pushes errors and warnings. */
export type JobRule = (job: NormalizedJob) => void;

export const JOB_RULES: readonly JobRule[] = [
  hasAName,
  enabledProfilesAreDefined,
  secondsFitTheInterval,
  exclusiveFitsTheInterval,
  addressesCanBeAsked,
  metricsPathIsOfMetrics,
  presetFitsDiscovery,
  deltaKeyIsSpelledOneWay,
  profilesAreSaidOneWay,
  debugGivesText,
  measuredProfilesAreNoText,
  ignoredKeysAreNamed,
];

function hasAName({ config, report }: NormalizedJob): void {
  const name = report.at('job-name');
  const isBlank = name.node instanceof TreeScalar && !name.node.isFaulty && (name.node.isNull || name.node.text === '');
  if (config.jobName !== '' || (name.isWritten && !isBlank)) return;
  if (isBlank) name.error('job-name is empty', 'it becomes the label job', 'key');
  else report.error('job-name is missing', 'it becomes the label job');
}

function enabledProfilesAreDefined({ config, report }: NormalizedJob): void {
  const list = report.at('enabled-profiles');
  if (!(list.node instanceof TreeList)) return;
  for (const [index, item] of list.node.items.entries()) {
    if (!(item instanceof TreeScalar) || item.isFaulty || config.profiles.has(canonicalProfileName(item.text)))
      continue;
    const known = [...config.profiles.keys()];
    const nearest = nearestWord(item.text, known);
    const suggestion = nearest === undefined ? '' : `did you mean ${nearest}? `;
    list.at(index).error(`profile ${quote(item.text)} is not defined`, `${suggestion}known: ${known.join(', ')}`);
  }
}

/** Where a rule may set another address, nothing is certain before it has run; where one may drop it, it may do no harm. */
function addressesCanBeAsked({ config, written, report }: NormalizedJob): void {
  const groups = report.at('static-configs');
  const hasFaultyRule = (written['relabel-configs'] ?? []).length > config.relabelRules.length;
  if (
    hasFaultyRule ||
    config.relabelRules.some((rule) => couldSet(rule, ADDRESS_LABEL) || couldSet(rule, PORT_LABEL)) ||
    !(groups.node instanceof TreeList)
  )
    return;
  const mayBeDropped = config.relabelRules.some(isFilter);
  for (const group of groups.node.items.keys()) {
    const targets = groups.at(group, 'targets');
    if (!(targets.node instanceof TreeList)) continue;
    for (const [index, item] of targets.node.items.entries()) {
      if (!(item instanceof TreeScalar) || item.isFaulty || item.isNull) continue;
      const fault = staticAddressFault(item.text);
      if (fault === undefined) continue;
      if (mayBeDropped) targets.at(index).warn(fault.message, fault.hint);
      else targets.at(index).error(fault.message, fault.hint);
    }
  }
}

/** Annotations are those of pods. */
function presetFitsDiscovery({ config, written, report }: NormalizedJob): void {
  const preset = written['annotation-preset'];
  if (preset === undefined) return;
  const place = report.at('annotation-preset');
  const clusters = config.discovery.flatMap((source) => (source.mechanism === 'kubernetes' ? [source] : []));
  const [first] = clusters;
  if (first === undefined) {
    if (report.keys.some((key) => /^kubernetes[-_]sd[-_]configs$/.test(key))) return; // faulty, and reported
    place.error(`${preset} needs kubernetes-sd-configs`, 'add kubernetes-sd-configs: [{role: pod}]', 'key');
  }
  const other = clusters.find(({ role }) => role !== 'pod');
  if (other !== undefined) {
    place.error(
      `${preset} needs role pod, not ${other.role}`,
      'write role: pod, or relabel-configs of your own',
      'key',
    );
  }
  const hasOthers = config.discovery.some(
    (source) => source.mechanism !== 'kubernetes' && !(source.mechanism === 'static' && source.groups.length === 0),
  );
  if (first !== undefined && hasOthers) {
    place.warn('instances from elsewhere have no annotations and are dropped', 'give them a job of their own', 'key');
  }
}

/** Prometheus's label for the path: those who write it mean the path of their profiles, too. */
function metricsPathIsOfMetrics({ config, report }: NormalizedJob): void {
  const rules = report.at('relabel-configs');
  if (!(rules.node instanceof TreeList) || !config.relabelRules.some((rule) => couldSet(rule, METRICS_PATH_LABEL)))
    return;
  for (const index of rules.node.items.keys()) {
    const target = rules.at(index, 'target-label');
    if (!(target.node instanceof TreeScalar) || target.node.text !== METRICS_PATH_LABEL) continue;
    target.warn(
      `${METRICS_PATH_LABEL} is not the path of profiles, here as in Parca and Alloy`,
      'write target_label: __profile_path_prefix__ for what goes before their paths, __profile_path__ for a path',
    );
    return;
  }
}

/** The old documentation has both; the old server knew the first alone. */
function deltaKeyIsSpelledOneWay({ written, report }: NormalizedJob): void {
  const { 'use-delta-profiles': profiles, 'use-delta-endpoints': endpoints } = written;
  if (endpoints === undefined) return;
  const place = report.at('use-delta-endpoints');
  if (profiles !== undefined && profiles !== endpoints) {
    place.error('contradicts use-delta-profiles, which means the same', 'keep use-delta-profiles', 'key');
  } else {
    place.warn('means use-delta-profiles, which is the name it always had', 'rename it', 'key');
  }
}

function profilesAreSaidOneWay({ report }: NormalizedJob): void {
  exclude(report, ['profiling-config', 'enabled-profiles']);
  exclude(report, ['profiling-config', 'profiles']);
}

/** Of the whole job it is seldom meant: Go then has no profile but text dumps, which no server takes. */
function debugGivesText({ config, report }: NormalizedJob): void {
  const names = config.enabledProfiles.filter((name) => {
    const profile = config.profiles.get(name);
    return profile?.format === undefined && profile !== undefined && configuredFormat(profile, config) === 'text';
  });
  const place = report.at('params', 'debug');
  if (!place.isWritten || names.length === 0) return;
  place.warn(
    `makes text dumps of ${names.join(', ')}: these are written to files and never sent`,
    'remove it, or set it for one profile: profiles: {goroutines: {format: text}}',
    'key',
  );
}

/** CPU profiles and those of fgprof are pprof alone. */
function measuredProfilesAreNoText({ config, profilePlaces }: NormalizedJob): void {
  for (const [name, place] of profilePlaces) {
    const preset = PRESETS.get(name);
    if (config.profiles.get(name)?.format !== 'text' || !preset?.params.has('seconds')) continue;
    place
      .at('format')
      .error(`profile ${name} has no text form`, 'remove it; goroutines, mem, mutex and block have one', 'key');
  }
}

function ignoredKeysAreNamed({ report }: NormalizedJob): void {
  warnOfIgnored(report, isIgnoredJobKey, (keys) => {
    const names = `${keys.join(', ')}: without effect on profiles`;
    if (keys.some((key) => /metric[-_]relabel/.test(key))) {
      return `${names} (metric relabelling too: use relabel-configs)`;
    }
    // Somebody may take it for the path of the profiles.
    return keys.some((key) => /metrics[-_]path/.test(key)) ? `${names}, which have paths of their own` : names;
  });
}
