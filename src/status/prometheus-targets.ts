import { formatDuration } from '../config/duration.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { JobView, TargetHealth, TargetView } from '../loop/loop-view.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import type { Target } from '../targets/target.ts';
import { shownLabels } from './shown-labels.ts';

/** What Go prints for a time that never was. */
const NEVER = '0001-01-01T00:00:00Z';

export interface TargetsQuery {
  /** `active`, `dropped` or `any`; anything else means `any`, as in Prometheus. */
  readonly state: string | undefined;
  readonly scrapePool: string | undefined;
}

/** Targets in one piece of the answer: about a millisecond's work. */
const TARGETS_A_PIECE = 100;

/**
 * The answer of Prometheus's `/api/v1/targets`, for the tools that know it. A target is one profile of an address, told
 * from the others by its `scrapeUrl`. A profile that the address hasn't got is `unknown` with the reason in `lastError`:
 * there is nothing wrong with it that anyone should be woken for.
 *
 * In pieces, as it may be dozens of MiB, during which nothing else would be done.
 */
export function* prometheusTargets(
  jobs: readonly JobView[],
  query: TargetsQuery,
  hostname: string,
): Generator<string, void> {
  const wanted = jobs.filter(({ name }) => query.scrapePool === undefined || name === query.scrapePool);
  const active = query.state === 'dropped' ? [] : wanted.flatMap(({ targets }) => targets);
  const dropped = query.state === 'active' ? [] : wanted.flatMap((job) => job.dropped);
  yield '{"status":"success","data":{"activeTargets":[';
  yield* listed(active, (view) => activeTarget(view, hostname));
  yield '],"droppedTargets":[';
  yield* listed(dropped, ({ discoveredLabels, jobName }) => ({
    discoveredLabels: labelsOf(discoveredLabels),
    scrapePool: jobName,
  }));
  const counts = Object.fromEntries(wanted.map(({ name, droppedCount }) => [name, droppedCount]));
  yield `],"droppedTargetCounts":${JSON.stringify(counts)}}}`;
}

function* listed<Item>(items: readonly Item[], shown: (item: Item) => object): Generator<string, void> {
  for (let at = 0; at < items.length; at += TARGETS_A_PIECE) {
    const piece = items.slice(at, at + TARGETS_A_PIECE).map((item) => JSON.stringify(shown(item)));
    yield `${at === 0 ? '' : ','}${piece.join(',')}`;
  }
}

function activeTarget(view: TargetView, hostname: string): Record<string, unknown> {
  const { target, lastScrapeMs } = view;
  return {
    discoveredLabels: labelsOf(target.discoveredLabels),
    labels: labelsOf(target.labels),
    scrapePool: target.job.jobName,
    scrapeUrl: redactUrl(target.url),
    globalUrl: redactUrl(globalUrl(target, hostname)),
    lastError: view.lastError?.message ?? '',
    lastScrape: lastScrapeMs === undefined ? NEVER : new Date(lastScrapeMs).toISOString(),
    lastScrapeDuration: (view.lastDurationMs ?? 0) / 1000,
    health: HEALTH[view.health],
    scrapeInterval: formatDuration(target.scrapeIntervalMs),
    scrapeTimeout: formatDuration(target.scrapeTimeoutMs),
  };
}

const HEALTH: Readonly<Record<TargetHealth, 'up' | 'down' | 'unknown'>> = {
  up: 'up',
  down: 'down',
  absent: 'unknown',
  unknown: 'unknown',
};

/** As seen from other machines: an address of this one is replaced by its name. */
function globalUrl({ origin, pathAndQuery, url }: Target, hostname: string): string {
  if (!['localhost', '127.0.0.1', '::1'].includes(origin.hostname)) return url;
  return `${origin.scheme}://${hostname}:${origin.port}${pathAndQuery}`;
}

function labelsOf(labels: LabelSet): Record<string, string> {
  return Object.fromEntries(shownLabels(labels));
}
