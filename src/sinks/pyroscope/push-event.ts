import { formatByteLimit } from '../../http/format-byte-limit.ts';
import type { EntryMeta } from '../queue/entry-meta.ts';
import type { QueueEvent } from '../queue/queue-event.ts';
import type { PrepareNote } from './prepare-profile.ts';
import { nameOf } from './profile-news.ts';

/** What a remote has to tell its user: the queue's events, and what was found out about single profiles. */
export type PushEvent =
  | QueueEvent
  | { readonly type: 'note'; readonly note: PrepareNote; readonly profile: string; readonly target: string }
  /** The target's clock is ahead (positive) or behind by so much. Told once until it is right again. */
  | { readonly type: 'clock-wrong'; readonly target: string; readonly offsetMs: number }
  | { readonly type: 'clock-right'; readonly target: string }
  /** Profiles older than the server's default window are being sent. Told once until the queue has caught up. */
  | { readonly type: 'outside-window'; readonly untilMs: number; readonly windowMs: number };

export interface PushMessage {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Without the remote's name. */
  readonly message: string;
  readonly hint: string | undefined;
}

/** An event as a line of a log. */
export function describePushEvent(event: PushEvent): PushMessage {
  switch (event.type) {
    case 'accepted':
      return say('debug', `sent ${whatOf(event.meta)}`);
    case 'retrying':
      return say('debug', `${whatOf(event.meta)}: ${event.answer}; again in ${seconds(event.waitMs)}`);
    case 'stuck':
      return say(
        'warn',
        `${whatOf(event.meta)} failed ${event.failures} times and holds back the later ones of its series: ${event.answer}`,
        'delete it from the queue directory to let the others pass',
      );
    case 'rejected':
      return say(
        'error',
        `${whatOf(event.meta)} refused for good, moved to rejected/: ${event.answer}`,
        event.hint ?? hintOfRefusal(event.answer),
      );
    case 'unavailable':
      return say('warn', `takes nothing now, ${waitingOf(event.queued)}: ${event.answer}`);
    case 'misconfigured':
      return say(
        'error',
        `paused, nothing is sent and ${waitingOf(event.queued)}: ${event.answer}`,
        event.answer.startsWith('HTTP 404')
          ? 'check the url: it is the address of the server, without /ingest'
          : 'check the credentials and the tenant-id of this remote',
      );
    case 'available':
      return say('info', `takes profiles again, ${waitingOf(event.queued)}`);
    case 'dropped':
      return say(
        'warn',
        `${event.isRejected ? 'a rejected profile' : 'an undelivered profile'} fell out of the queue (${event.bound}): ${event.name}`,
        `raise queue.${event.bound} to keep more`,
      );
    case 'corrupt':
      return say('warn', `${event.name} set aside in corrupt/: ${event.message}`);
    case 'disk-error':
      return say('error', `queue: ${event.message}`);
    case 'outside-window':
      return say(
        'warn',
        `sending profiles from ${new Date(event.untilMs).toISOString()} on; a server takes them back to ${seconds(event.windowMs)} by default`,
        'set -validation.reject-older-than on the server if it refuses them',
      );
    case 'note':
      return describeNote(event.note, `${event.profile} of ${event.target}`);
    case 'clock-wrong': {
      const side = event.offsetMs > 0 ? 'ahead' : 'behind';
      return say(
        'warn',
        `the clock of ${event.target} was ${seconds(Math.abs(event.offsetMs))} ${side}; its profiles are sent with our time`,
        'set its clock',
      );
    }
    case 'clock-right':
      return say('info', `the clock of ${event.target} is right again`);
  }
}

function describeNote(note: PrepareNote, what: string): PushMessage {
  switch (note.type) {
    case 'sample-labels': {
      const changes = [...note.renamed].map(([name, now]) =>
        now === undefined ? `${name} left out` : `${name} → ${now}`,
      );
      const lost = note.lostLabels === 0 ? '' : `, ${note.lostLabels} duplicates left out`;
      return say(
        'info',
        `${what}: labels of samples changed for the server: ${changes.join(', ') || 'none renamed'}${lost}`,
      );
    }
    case 'sample-types': {
      const changes = [...note.renamed].map(([type, now]) => `${type} → ${now}`);
      return say('info', `${what}: sample types renamed for the server: ${changes.join(', ')}`);
    }
    case 'over-burst':
      return say(
        'warn',
        `${what} has ${formatByteLimit(note.pprofBytes)} inflated, more than the ${formatByteLimit(note.burstBytes)} that a server lets pass at once by default`,
        'raise ingestion_burst_size_mb on the server and limits.burst-bytes of this remote',
      );
  }
}

function say(level: PushMessage['level'], message: string, hint?: string): PushMessage {
  return { level, message, hint };
}

function whatOf({ profile, labels, file }: EntryMeta): string {
  const what = `${profile} of ${nameOf(labels)}`;
  return file === undefined ? what : `${file} (${what})`;
}

/** What mends the refusals that users meet; the server's own words say what is wrong. */
function hintOfRefusal(answer: string): string | undefined {
  if (/^HTTP 3/.test(answer)) return 'a push is never sent on: give the address that the server names as the url';
  if (/ingestion window/i.test(answer))
    return 'set -validation.reject-older-than on the server, then: pyro-pull push --retry';
  return undefined;
}

function waitingOf(profiles: number): string {
  return profiles === 1 ? '1 profile waits in the queue' : `${profiles} profiles wait in the queue`;
}

function seconds(ms: number): string {
  if (ms < 90_000) return `${Math.round(ms / 100) / 10}s`;
  if (ms < 5_400_000) return `${Math.round(ms / 6_000) / 10}m`;
  return `${Math.round(ms / 360_000) / 10}h`;
}
