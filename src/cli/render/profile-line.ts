import type { PullEvent } from '../../pull.ts';
import { formatTimestamp } from '../../sinks/file/timestamp.ts';
import type { WrittenProfile } from '../../sinks/sink.ts';
import { formatBytes } from './units.ts';

export const PROFILE_HEADER = ['PROFILE', 'INSTANCE', 'SAMPLES', 'SIZE', 'FILE'];

type Finished = Extract<PullEvent, { type: 'finished' }>;

/** One row of the table of results. The path can be pasted as it is. */
export function profileRow({ target, profile, receipts }: Finished, outDir: string | undefined): string[] {
  const written = receipts.find((receipt) => receipt.path !== undefined)?.path;
  const path = written === undefined || outDir === undefined ? '-' : `${outDir.replace(/(?<!\/)\/+$/, '')}/${written}`;
  const instance = target.labels.get('instance') ?? target.url;
  return [
    target.profile.name,
    instance,
    target.format === 'text' ? '-' : String(profile.samples),
    formatBytes(profile.bytes),
    path,
  ];
}

/** One object of `--json`: the fields of the index, `outcome`, and `error` where there is one. Undefined for what is no profile. */
export function profileLine(event: PullEvent): Record<string, unknown> | undefined {
  switch (event.type) {
    case 'finished': {
      const entry = event.receipts.find((receipt) => receipt.entry !== undefined)?.entry;
      return entry
        ? { ...entry, outcome: 'written' }
        : { ...withoutFile(event.profile), outcome: remoteOutcome(event.receipts) };
    }
    case 'empty':
    case 'held':
      return {
        ...subject(event.target),
        outcome: event.type,
        ...(event.type === 'held' ? { reason: event.reason } : {}),
      };
    case 'failed': {
      const { code, message, hint } = event.error;
      return {
        ...subject(event.target),
        outcome: 'failed',
        error: { stage: event.stage, code, message, ...(hint ? { hint } : {}) },
      };
    }
    default:
      return undefined;
  }
}

/** `queued` where one of the remotes will get it. */
function remoteOutcome(receipts: Finished['receipts']): string {
  const outcomes = receipts.map(({ remote }) => remote);
  return outcomes.includes('queued') ? 'queued' : (outcomes[0] ?? 'queued');
}

function subject(target: WrittenProfile['target']): Record<string, unknown> {
  return { profile: target.profile.name, labels: Object.fromEntries(target.labels), url: target.url };
}

function withoutFile(profile: WrittenProfile): Record<string, unknown> {
  return {
    ...subject(profile.target),
    labels: Object.fromEntries(profile.labels),
    from: formatTimestamp(profile.fromNanos),
    until: formatTimestamp(profile.untilNanos),
    sampleTypes: profile.sampleTypes,
    samples: profile.samples,
    bytes: profile.bytes,
    reset: profile.isReset,
    partial: profile.isPartial,
    kind: profile.profileKind,
  };
}
