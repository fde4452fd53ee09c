import { ConfigError, type PyroPullError } from '../errors.ts';
import { INSTANCE_LABEL, JOB_LABEL, NAME_LABEL } from '../labels/label-set.ts';
import type { JobView, LoopView, TargetView } from '../loop/loop-view.ts';
import { oneLine } from '../safe-text/one-line.ts';
import { redactLabel, redactUrl } from '../safe-text/redact-url.ts';
import { describeDrop } from '../targets/drop-reason.ts';
import type { Target } from '../targets/target.ts';
import type { OverviewQuery } from './overview-query.ts';
import type {
  Health,
  HealthCounts,
  JobOverview,
  MechanismSummary,
  Overview,
  Problem,
  RemoteSummary,
  TargetDetails,
  TargetRow,
} from './page/overview.ts';
import type { RemoteView } from './remote-view.ts';
import { shownLabels } from './shown-labels.ts';

/** Rows of a job that are sent unasked, and with each "more". */
const ROWS_A_JOB = 100;
/** Rows of all jobs together beyond which jobs stay folded unless the user unfolds them. */
const ROWS_A_PAGE = 400;
/** Of things that are wrong in crowds. */
const MAX_PROBLEMS = 20;

export interface OverviewSource {
  readonly view: Omit<LoopView, 'jobs'>;
  readonly jobs: readonly JobView[];
  readonly remotes: readonly RemoteView[];
  readonly version: string;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** The state of the loop as a page shows it. */
export function overviewOf(source: OverviewSource, query: OverviewQuery): Overview {
  const { view, nowMs, version } = source;
  const { path, loadedAtMs, lastReloadError } = view.config;
  let space = ROWS_A_PAGE;
  const jobs = source.jobs.map((job) => {
    const overview = jobOverview(job, query, space);
    space -= overview.rows.length;
    return overview;
  });
  return {
    version,
    nowMs,
    startedAtMs: view.startedAtMs,
    state: view.isStopping ? 'stopping' : view.isReady ? 'running' : 'starting',
    config: {
      ...(path !== undefined && { path }),
      loadedAtMs,
      ...(lastReloadError && { error: reloadErrorText(lastReloadError) }),
    },
    counts: sumOf(jobs.map(({ counts }) => counts)),
    remotes: source.remotes.map(remoteSummary),
    mechanisms: view.mechanisms().map(mechanismSummary),
    jobs,
  };
}

function jobOverview(job: JobView, query: OverviewQuery, space: number): JobOverview {
  const { name, targets, rejected, dropped } = job;
  const matching = targets.filter((view) => isWanted(view, query));
  const isOpen = query.open.has(name) || (!query.closed.has(name) && space > 0);
  const most = ROWS_A_JOB * (1 + (query.more.get(name) ?? 0));
  return {
    name,
    isDiscovered: job.isDiscovered,
    counts: countsOf(targets),
    matching: matching.length,
    isOpen,
    rows: isOpen ? urgentFirst(matching, most).map((view) => rowOf(view, query)) : [],
    rejected: rejected
      .slice(0, MAX_PROBLEMS)
      .map(({ place, message, hint }) => problemOf({ message: `${place}: ${message}`, hint })),
    droppedCount: job.droppedCount,
    dropped: query.dropped.has(name)
      ? dropped.map((one) => ({ reason: dropReason(one, job), labels: shownLabels(one.discoveredLabels) }))
      : [],
    duplicates: job.duplicates,
  };
}

function dropReason({ reason }: JobView['dropped'][number], { config }: JobView): string {
  return describeDrop(reason, config);
}

/** At most `most`: those that need attention, then the others, each in the order of discovery. */
function urgentFirst(views: readonly TargetView[], most: number): readonly TargetView[] {
  const urgent = views.filter(isUrgent);
  if (urgent.length >= most) return urgent.slice(0, most);
  const calm: TargetView[] = [];
  for (const view of views) {
    if (urgent.length + calm.length >= most) break;
    if (!isUrgent(view)) calm.push(view);
  }
  return [...urgent, ...calm];
}

function isUrgent({ health, lastError }: TargetView): boolean {
  return health === 'down' || (health === 'up' && lastError !== undefined);
}

function isWanted(view: TargetView, { words, healths }: OverviewQuery): boolean {
  if (healths.size > 0 && !healths.has(view.health)) return false;
  return words.every((word) => hasWord(view, word));
}

/** Nothing of it is kept: a page asks every few seconds, but there can be very many targets and few who look. */
function hasWord({ target, lastError }: TargetView, word: string): boolean {
  const has = (text: string) => text.toLowerCase().includes(word);
  for (const [name, value] of target.labels) if (has(`${name}=${redactLabel(name, value)}`)) return true;
  return has(target.profile.name) || has(target.job.jobName) || has(pathOf(target)) || has(lastError?.message ?? '');
}

/** Of the URL the part without parameters, which may be secret. */
function pathOf({ pathAndQuery }: Target): string {
  const mark = pathAndQuery.indexOf('?');
  return mark === -1 ? pathAndQuery : pathAndQuery.slice(0, mark);
}

function rowOf(view: TargetView, { details }: OverviewQuery): TargetRow {
  const { target, lastScrapeMs, lastDurationMs, lastBytes, nextSlotMs, lastError } = view;
  return {
    key: target.key,
    health: view.health,
    isScraping: view.isScraping,
    instance: redactLabel(INSTANCE_LABEL, target.labels.get(INSTANCE_LABEL) ?? ''),
    service: target.labels.get(NAME_LABEL) ?? '',
    profile: target.profile.name,
    labels: shownLabels(target.labels).filter(([name]) => !OWN_FIELD.has(name)),
    intervalMs: target.scrapeIntervalMs,
    ...(lastScrapeMs !== undefined && { lastScrapeMs }),
    ...(lastDurationMs !== undefined && { durationMs: lastDurationMs }),
    ...(lastBytes !== undefined && { bytes: lastBytes }),
    ...(nextSlotMs !== undefined && { nextMs: nextSlotMs }),
    missed: view.missedSlots,
    failures: view.failuresInRow,
    ...(lastError && { error: problemOf(lastError) }),
    ...(details.has(target.key) && { details: detailsOf(target) }),
  };
}

const OWN_FIELD: ReadonlySet<string> = new Set([INSTANCE_LABEL, NAME_LABEL, JOB_LABEL]);

function detailsOf(target: Target): TargetDetails {
  return {
    url: redactUrl(target.url),
    timeoutMs: target.scrapeTimeoutMs,
    labels: shownLabels(target.labels),
    discoveredLabels: shownLabels(target.discoveredLabels),
  };
}

function remoteSummary(remote: RemoteView): RemoteSummary {
  const { name, url, state, lastFailure, queued, queuedBytes, maxBytes } = remote;
  const { inFlight, accepted, rejected, retries, dropped } = remote;
  return {
    name,
    url,
    state,
    ...(lastFailure !== undefined && { lastFailure }),
    queued,
    queuedBytes,
    maxBytes,
    inFlight,
    accepted,
    rejected,
    retries,
    dropped,
  };
}

function mechanismSummary(mechanism: ReturnType<LoopView['mechanisms']>[number]): MechanismSummary {
  const { name, jobNames, targets, lastSuccessMs, refreshes, failedRefreshes, failures } = mechanism;
  return {
    name,
    jobs: jobNames,
    targets,
    ...(lastSuccessMs !== undefined && { lastSuccessMs }),
    refreshes,
    failedRefreshes,
    failures: failures.slice(0, MAX_PROBLEMS).map(problemOf),
  };
}

function problemOf({ message, hint }: { readonly message: string; readonly hint: string | undefined }): Problem {
  return { message, ...(hint !== undefined && { hint }) };
}

/** Also for a terminal: all faults of a config, one a line, foreign text in them made safe. */
export function reloadErrorText(error: PyroPullError): string {
  const { message, hint } = error;
  if (!(error instanceof ConfigError)) return oneLine(hint === undefined ? message : `${message} (${hint})`);
  const lines = error.problems.map((problem) => {
    const { file, position, path } = problem;
    const place = position ? `${file}:${position.line}:${position.column}` : file;
    const note = problem.hint === undefined ? '' : ` (${problem.hint})`;
    return oneLine(`${place}: ${path === '' ? '' : `${path}: `}${problem.message}${note}`);
  });
  return [oneLine(message), ...lines].join('\n');
}

export function countsOf(targets: readonly TargetView[]): HealthCounts {
  const counts: Record<Health, number> = { up: 0, down: 0, absent: 0, unknown: 0 };
  for (const { health } of targets) counts[health] += 1;
  return counts;
}

function sumOf(all: readonly HealthCounts[]): HealthCounts {
  const sum: Record<Health, number> = { up: 0, down: 0, absent: 0, unknown: 0 };
  for (const { up, down, absent, unknown } of all) {
    sum.up += up;
    sum.down += down;
    sum.absent += absent;
    sum.unknown += unknown;
  }
  return sum;
}
