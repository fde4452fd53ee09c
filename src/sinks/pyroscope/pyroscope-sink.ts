import { join } from 'node:path';
import type { PushLimits, RemoteWriteConfig } from '../../config/scrape-config.ts';
import { PyroPullError } from '../../errors.ts';
import { createHttpClient, type HttpClientOptions } from '../../http/client.ts';
import { safeInstanceName } from '../file/safe-name.ts';
import type { DeliveryOutcome } from '../queue/delivery.ts';
import { Delivery, type DeliveryClock, SYSTEM_DELIVERY_CLOCK } from '../queue/delivery.ts';
import type { EntryMeta } from '../queue/entry-meta.ts';
import { QueueDirectory } from '../queue/queue-directory.ts';
import type { QueueStats } from '../queue/queue-event.ts';
import type { Verdict } from '../queue/verdict.ts';
import type { FinishedProfile, Receipt, Sink } from '../sink.ts';
import { verdictOf } from './answer.ts';
import { type OutgoingProfile, outgoingOf } from './outgoing-profile.ts';
import { createPost, type Post } from './post.ts';
import { prepareProfile } from './prepare-profile.ts';
import { ProfileNews } from './profile-news.ts';
import type { PushEvent } from './push-event.ts';
import { createAnswerRedactor } from './redact-answer.ts';
import { connectRequest, ingestRequest } from './request.ts';

export interface PyroscopeSinkDeps {
  /** Where the queues of remotes lie that name no directory of their own. */
  readonly queueRoot: string;
  readonly http: HttpClientOptions;
  readonly onEvent: (event: PushEvent) => void;
  /** After the last event. */
  readonly onClosed?: () => void;
  readonly clock?: DeliveryClock;
  /** Whether to remember what became of each entry, for a run that ends. */
  readonly keepsOutcomes?: boolean;
}

export interface PyroscopeStats extends QueueStats {
  /** Profiles that `write-relabel-configs` dropped. */
  readonly filtered: number;
  /** Profiles whose samples got other labels. */
  readonly sanitized: number;
}

/** A remote Pyroscope behind its queue on disk. */
export interface PyroscopeSink extends Sink {
  readonly remote: RemoteWriteConfig;
  readonly stats: PyroscopeStats;
  /** The same as `write`, for a profile that no scrape brought. */
  push(profile: OutgoingProfile): Promise<Receipt>;
  /**
   * Sends what is queued until no more than `most` (default 0) are left, for at most `deadlineMs`; see `stats.queued`
   * for what is left. Ends early where waiting is in vain. After a deadline that passed nothing more is sent.
   */
  flush(deadlineMs: number, most?: number): Promise<void>;
  /** What became of an entry so far; undefined while nothing has, or where outcomes are not kept. */
  outcomeOf(entry: string): DeliveryOutcome | undefined;
  /** Queues again what the server refused for good. Gives how many. */
  retryRejected(): Promise<number>;
  /** Whether a profile with this `pushId` was delivered, and by which run. */
  deliveryOf(pushId: string): 'earlier' | 'now' | undefined;
}

/** What `push` has delivered, one id a line. */
const DELIVERED_FILE = 'delivered.ids';

/**
 * Opens the queue of a remote and starts to deliver what an earlier run left in it. `write` resolves as soon as the
 * profile is on disk. Rejects with a StateError where another process has the queue.
 */
export async function createPyroscopeSink(remote: RemoteWriteConfig, deps: PyroscopeSinkDeps): Promise<PyroscopeSink> {
  const clock = deps.clock ?? SYSTEM_DELIVERY_CLOCK;
  const client = createHttpClient({ ...remote.http, followRedirects: false }, deps.http);
  const post = createPost(remote, client);
  const { queue, contents } = await QueueDirectory.open(queueDirectoryOf(remote, deps.queueRoot), {
    sync: remote.queue.sync,
    now: () => clock.now(),
    onSyncError: (error) => deps.onEvent({ type: 'disk-error', message: `cannot sync: ${messageOf(error)}` }),
  });
  const deliveredEarlier = new Set(await queue.lines(DELIVERED_FILE));
  const delivered = new Set(deliveredEarlier);
  const { limits } = remote;
  const outcomes = new Map<string, DeliveryOutcome>();
  const sender = new Sender(remote, post, limits, clock, deps.onEvent);
  const delivery = new Delivery({
    queue,
    contents,
    maxBytes: remote.queue.maxBytes,
    maxAgeMs: remote.queue.maxAgeMs,
    maxInFlight: remote.queue.maxInFlight,
    backoff: { minMs: remote.queue.minBackoffMs, maxMs: remote.queue.maxBackoffMs },
    deliver: async (meta, body, signal) =>
      meta.pushId !== undefined && delivered.has(meta.pushId) ? { type: 'known' } : sender.send(meta, body, signal),
    onAccepted: ({ pushId }) => {
      if (pushId === undefined || delivered.has(pushId)) return;
      delivered.add(pushId);
      queue.append(DELIVERED_FILE, pushId);
    },
    clock,
    onEvent: deps.onEvent,
    ...(deps.keepsOutcomes && { onOutcome: (entry, outcome) => void outcomes.set(entry, outcome) }),
  });
  return new QueuedPyroscopeSink({
    remote,
    limits,
    delivery,
    delivered,
    deliveredEarlier,
    outcomes,
    clock,
    onEvent: deps.onEvent,
    onClosed: deps.onClosed,
    client,
  });
}

/** The queue of a remote: a directory named for it. */
export function queueDirectoryOf({ name, queue }: RemoteWriteConfig, queueRoot: string): string {
  return join(queue.dir ?? queueRoot, safeInstanceName(name));
}

interface SinkParts {
  readonly remote: RemoteWriteConfig;
  readonly limits: PushLimits;
  readonly delivery: Delivery;
  readonly delivered: ReadonlySet<string>;
  readonly deliveredEarlier: ReadonlySet<string>;
  readonly outcomes: ReadonlyMap<string, DeliveryOutcome>;
  readonly clock: DeliveryClock;
  readonly onEvent: (event: PushEvent) => void;
  readonly onClosed: (() => void) | undefined;
  readonly client: { destroy(): void };
}

class QueuedPyroscopeSink implements PyroscopeSink {
  readonly name: string;
  /** Pyroscope keeps profiles. */
  readonly takesText = false;
  readonly remote: RemoteWriteConfig;
  readonly #parts: SinkParts;
  readonly #news = new ProfileNews();
  #filtered = 0;
  #sanitized = 0;

  constructor(parts: SinkParts) {
    this.name = parts.remote.name;
    this.remote = parts.remote;
    this.#parts = parts;
  }

  get stats(): PyroscopeStats {
    return { ...this.#parts.delivery.stats, filtered: this.#filtered, sanitized: this.#sanitized };
  }

  /** Of a wrong clock the delta stage has told. */
  write(profile: FinishedProfile): Promise<Receipt> {
    return this.#keep(outgoingOf(profile), { tellsClock: false });
  }

  push(outgoing: OutgoingProfile): Promise<Receipt> {
    return this.#keep(outgoing, { tellsClock: true });
  }

  async #keep(outgoing: OutgoingProfile, { tellsClock }: { tellsClock: boolean }): Promise<Receipt> {
    const { remote, limits, delivery, clock } = this.#parts;
    const prepared = await prepareProfile(outgoing, remote, limits, clock.now());
    if (prepared === undefined) {
      this.#filtered += 1;
      return { path: undefined, bytes: 0, remote: { name: this.name, outcome: 'filtered' } };
    }
    const { meta, body, fault } = prepared;
    if (prepared.notes.some(({ type }) => type === 'sample-labels')) this.#sanitized += 1;
    const news = this.#news.of(tellsClock ? prepared : { ...prepared, clockOffsetMs: undefined });
    for (const event of news) this.#parts.onEvent(event);
    if (fault !== undefined) {
      // No failure of this write: with the next interval added to it the profile would fit even less.
      const answer = `not sent: ${fault.message}`;
      await delivery.addRejected({ ...meta, answer }, body, fault.hint);
      return { path: undefined, bytes: body.length, remote: { name: this.name, outcome: 'refused', answer } };
    }
    if (meta.samples === 0)
      return { path: undefined, bytes: body.length, remote: { name: this.name, outcome: 'empty' } };
    const { name: entry } = await delivery.add(meta, body);
    return { path: undefined, bytes: body.length, remote: { name: this.name, outcome: 'queued', entry } };
  }

  flush(deadlineMs: number, most?: number): Promise<void> {
    return this.#parts.delivery.flush(deadlineMs, most);
  }

  outcomeOf(entry: string): DeliveryOutcome | undefined {
    return this.#parts.outcomes.get(entry);
  }

  retryRejected(): Promise<number> {
    return this.#parts.delivery.retryRejected();
  }

  deliveryOf(pushId: string): 'earlier' | 'now' | undefined {
    if (this.#parts.deliveredEarlier.has(pushId)) return 'earlier';
    return this.#parts.delivered.has(pushId) ? 'now' : undefined;
  }

  async close(): Promise<void> {
    await this.#parts.delivery.close();
    this.#parts.client.destroy();
    this.#parts.onClosed?.();
  }
}

/** One attempt after the other; remembers only whether it has told of old profiles. */
class Sender {
  readonly #remote: RemoteWriteConfig;
  readonly #post: Post;
  readonly #limits: PushLimits;
  readonly #clock: DeliveryClock;
  readonly #onEvent: (event: PushEvent) => void;
  readonly #redact: (answer: string) => string;
  #hasToldOld = false;

  constructor(
    remote: RemoteWriteConfig,
    post: Post,
    limits: PushLimits,
    clock: DeliveryClock,
    onEvent: (event: PushEvent) => void,
  ) {
    this.#remote = remote;
    this.#post = post;
    this.#limits = limits;
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#redact = createAnswerRedactor(remote);
  }

  async send(meta: EntryMeta, body: Uint8Array, signal: AbortSignal): Promise<Verdict> {
    const { api, timeoutMs } = this.#remote;
    this.#tellOld(meta);
    try {
      const request = api === 'push' ? connectRequest(meta, body, timeoutMs) : ingestRequest(meta, body);
      const response = await this.#post(request, signal);
      const verdict = verdictOf(response, api, meta, this.#limits, this.#clock.now());
      return 'answer' in verdict ? { ...verdict, answer: this.#redact(verdict.answer) } : verdict;
    } catch (error) {
      if (!(error instanceof PyroPullError)) throw error;
      return { type: 'unavailable', answer: error.message, retryAfterMs: undefined };
    }
  }

  #tellOld(meta: EntryMeta): void {
    const windowMs = this.#limits.maxAgeMs;
    if (windowMs === 0) return;
    const untilMs = Number(meta.untilNanos / 1_000_000n);
    const isOld = this.#clock.now() - untilMs > windowMs;
    if (isOld && !this.#hasToldOld) this.#onEvent({ type: 'outside-window', untilMs, windowMs });
    this.#hasToldOld = isOld;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
