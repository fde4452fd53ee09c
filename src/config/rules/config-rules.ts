import { quote, TreeList, TreeMap, TreeScalar } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import type { NormalizedConfig } from '../normalize/config.ts';
import { isIgnoredGlobalKey, isIgnoredRootKey } from '../schema/config.ts';
import { isIgnoredOldKey, isIgnoredOldTargetKey } from '../schema/remote-write.ts';
import { configuredFormat } from '../text-format.ts';
import { warnOfIgnored } from './ignored-keys.ts';
import { JOB_RULES } from './job-rules.ts';
import { timeoutsExceedSeconds } from './seconds-rules.ts';
import { findUnusableJobs } from './usable-rules.ts';

/** What the command line says beside the config. */
export interface SinkFlags {
  /** `--out`. */
  readonly writesFiles: boolean;
  /** `--push`. */
  readonly pushes: boolean;
}

type ConfigRule = (normalized: NormalizedConfig, report: Reporter, flags: SinkFlags | undefined) => void;

const CONFIG_RULES: readonly ConfigRule[] = [
  hasJobs,
  jobNamesAreUnique,
  timeoutsExceedSeconds,
  textDumpsHaveFiles,
  ignoredKeysAreNamed,
];

/** Everything that no single key can tell. Gives the names of jobs that can have no usable target. */
export function checkRules(
  normalized: NormalizedConfig,
  report: Reporter,
  flags: SinkFlags | undefined,
): ReadonlySet<string> {
  for (const rule of CONFIG_RULES) rule(normalized, report, flags);
  for (const job of normalized.jobs) for (const rule of JOB_RULES) rule(job);
  return findUnusableJobs(normalized);
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

/** Where profiles only go to servers, a text dump would be taken and thrown away each time. */
function textDumpsHaveFiles({ config, jobs }: NormalizedConfig, _: Reporter, flags: SinkFlags | undefined): void {
  if (flags === undefined) return;
  const sendsOnly = flags.pushes || config.remoteWrite.length > 0;
  if (flags.writesFiles || config.output.dir !== undefined || !sendsOnly) return;
  for (const { config: job, report, profilePlaces } of jobs) {
    for (const name of job.enabledProfiles) {
      const profile = job.profiles.get(name);
      if (profile === undefined || configuredFormat(profile, job) !== 'text') continue;
      const own = profilePlaces.get(name);
      const places = [own?.at('format'), own?.at('params', 'debug'), report.at('params', 'debug'), own];
      const place = places.find((one) => one?.isWritten) ?? report;
      place.error(
        `profile ${name} is a text dump, which goes to files and is never sent, and no files are written`,
        'add output: {dir: profiles} at the top of the config, or scrape with --out DIR',
        'key',
      );
    }
  }
}

function ignoredKeysAreNamed(_: NormalizedConfig, report: Reporter): void {
  warnOfIgnored(report, isIgnoredRootKey, (keys) => `${keys.join(', ')}: settings of a server, without effect here`);
  warnOfPhlareClient(report.at('client', 'url'));
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

/** Phlare's agent had one server to push to, in a place of its own. */
function warnOfPhlareClient(place: Reporter): void {
  if (!(place.node instanceof TreeScalar) || place.node.text === '') return;
  place.warn(
    'the server that profiles were sent to; nothing is sent there now',
    `add remote-write: [{url: ${quote(place.node.text)}, api: push}]`,
  );
}
