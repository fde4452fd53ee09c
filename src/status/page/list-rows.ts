import { formatBytes, formatCount, formatSpan } from './format.ts';
import type { ListRow } from './list-part.ts';
import type { MechanismSummary, RemoteSummary } from './overview.ts';

export const REMOTE_COLUMNS = ['Waiting', 'Queue', 'On their way', 'Sent', 'Refused', 'Dropped', 'Retries'] as const;

export function remoteRow(remote: RemoteSummary): ListRow {
  const { name, url, state, lastFailure, queued, queuedBytes, maxBytes } = remote;
  const { inFlight, accepted, rejected, dropped, retries } = remote;
  const counts = [inFlight, accepted, rejected, dropped, retries].map(formatCount);
  const isPaused = state === 'paused';
  return {
    name,
    note: url,
    health: state === 'up' ? 'up' : 'down',
    state,
    cells: [formatCount(queued), `${formatBytes(queuedBytes)} of ${formatBytes(maxBytes)}`, ...counts],
    problem: lastFailure && (isPaused ? `${lastFailure}: nothing is sent until this is mended` : lastFailure),
  };
}

export const MECHANISM_COLUMNS = ['Instances', 'Last answer', 'Answers', 'Failures'] as const;

export function mechanismRow(mechanism: MechanismSummary, nowMs: number): ListRow {
  const { name, jobs, targets, lastSuccessMs, refreshes, failedRefreshes, failures } = mechanism;
  const isFailing = failures.length > 0;
  const isWaiting = !isFailing && lastSuccessMs === undefined;
  const texts = failures.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
  return {
    name,
    note: `of ${jobs.join(', ')}`,
    health: isFailing ? 'down' : isWaiting ? 'unknown' : 'up',
    state: isFailing ? 'failing' : isWaiting ? 'waiting' : 'good',
    cells: [
      formatCount(targets),
      lastSuccessMs === undefined ? 'never' : `${formatSpan(nowMs - lastSuccessMs)} ago`,
      formatCount(refreshes),
      formatCount(failedRefreshes),
    ],
    problem: isFailing ? texts.join('; ') : undefined,
  };
}
