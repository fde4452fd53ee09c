import type { PullEvent } from '../../pull.ts';
import { formatTimestamp } from '../../sinks/file/timestamp.ts';
import type { DeliveryOutcome } from '../../sinks/queue/delivery.ts';
import type { RemoteReceipt, WrittenProfile } from '../../sinks/sink.ts';
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

/** What became of a queue's entry so far. */
export type OutcomeOf = (remote: string, entry: string) => DeliveryOutcome | undefined;

/**
 * One object of `--json`: the fields of the index, `outcome`, `remotes` with what each has come to, and `error` where there is
 * one. Undefined for what is no profile.
 */
export function profileLine(event: PullEvent, outcomeOf: OutcomeOf): Record<string, unknown> | undefined {
  switch (event.type) {
    case 'finished': {
      const entry = event.receipts.find((receipt) => receipt.entry !== undefined)?.entry;
      const remotes = event.receipts.flatMap(({ remote }) => (remote ? [remoteOutcome(remote, outcomeOf)] : []));
      return {
        ...(entry ?? withoutFile(event.profile)),
        outcome: entry ? 'written' : worstOf(remotes),
        ...(remotes.length > 0 && { remotes }),
      };
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

interface RemoteOutcome {
  readonly remote: string;
  readonly outcome: RemoteReceipt['outcome'] | DeliveryOutcome['outcome'];
  /** The HTTP status of the last answer that was not good. */
  readonly code?: number;
  /** The server's words, or why nothing was sent. */
  readonly answer?: string;
}

function remoteOutcome(receipt: RemoteReceipt, outcomeOf: OutcomeOf): RemoteOutcome {
  const { name: remote, entry } = receipt;
  const last = (entry === undefined ? undefined : outcomeOf(remote, entry)) ?? receipt;
  const answer = 'answer' in last ? last.answer : undefined;
  const code = /^HTTP (\d{3})/.exec(answer ?? '')?.[1];
  return {
    remote,
    outcome: last.outcome,
    ...(code !== undefined && { code: Number(code) }),
    ...(answer !== undefined && { answer }),
  };
}

const WORST_FIRST = ['refused', 'queued', 'accepted', 'empty', 'filtered'] as const;

/** Of a profile without a file: it is not `accepted` before all remotes that get it have taken it. */
function worstOf(remotes: readonly RemoteOutcome[]): RemoteOutcome['outcome'] {
  return WORST_FIRST.find((outcome) => remotes.some((remote) => remote.outcome === outcome)) ?? 'queued';
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
