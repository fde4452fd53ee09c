import { SinkError } from '../../errors.ts';
import { type Backoff, backoffMs } from './backoff.ts';
import type { EntryMeta } from './entry-meta.ts';
import type { QueueEntry } from './entry-name.ts';
import { Gate } from './gate.ts';
import { CorruptEntryError, type QueueContents, type QueueDirectory, REJECTED_DIR } from './queue-directory.ts';
import type { QueueEvent, QueueStats } from './queue-event.ts';
import { QueueIndex, type Series } from './queue-index.ts';
import type { Verdict } from './verdict.ts';

/** Time and chance, so that a test can rule both. */
export interface DeliveryClock {
  /** Unix milliseconds. May be set to any value at any time: for stamps, never for waits. */
  now(): number;
  /** Milliseconds that only go forward. */
  monotonic(): number;
  /** In [0, 1). */
  random(): number;
  /** Runs once after `ms`; gives the way to call it off. */
  schedule(ms: number, run: () => void): () => void;
}

export const SYSTEM_DELIVERY_CLOCK: DeliveryClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  schedule(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface DeliveryOptions {
  readonly queue: QueueDirectory;
  readonly contents: QueueContents;
  /** Of everything in the directory: waiting, rejected and corrupt. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxInFlight: number;
  readonly backoff: Backoff;
  /** One attempt. Must not reject; what it makes of an aborted signal is ignored. */
  readonly deliver: (meta: EntryMeta, body: Uint8Array, signal: AbortSignal) => Promise<Verdict>;
  /** Before an accepted entry leaves the disk. */
  readonly onAccepted: (meta: EntryMeta) => void;
  readonly clock: DeliveryClock;
  readonly onEvent: (event: QueueEvent) => void;
  /** After each attempt that decided something, by the name of the entry. */
  readonly onOutcome?: (entry: string, outcome: DeliveryOutcome) => void;
}

/** How far an entry has come: with the server, refused for good, or still queued after a failure. */
export type DeliveryOutcome =
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'refused' | 'queued'; readonly answer: string };

/** Failures of one profile after which its user should know that it holds up its series. */
const STUCK_AFTER = 10;

/**
 * Gets the profiles of a queue to one remote: each series in order, several series at once, failures again later, and a
 * dead remote left alone. Runs by itself from the moment it is made until `close`.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #index = new QueueIndex();
  readonly #gate: Gate;
  readonly #abort = new AbortController();
  /** Oldest first. */
  readonly #rejected: QueueEntry[];
  readonly #background = new Set<Promise<void>>();
  readonly #counts = { accepted: 0, rejected: 0, retries: 0, dropped: 0, corrupt: 0 };
  #rejectedBytes = 0;
  readonly #corruptBytes: number;
  #inFlight = 0;
  #isStopped = false;
  #wasUnavailable = false;
  #lastFailure: string | undefined;
  #cancelGateTimer: (() => void) | undefined;
  readonly #settled: (() => void)[] = [];

  constructor(options: DeliveryOptions) {
    const { contents } = options;
    this.#options = options;
    this.#gate = new Gate(options.backoff, () => options.clock.random());
    this.#rejected = [...contents.rejected];
    for (const { bytes } of contents.rejected) this.#rejectedBytes += bytes;
    this.#corruptBytes = contents.corruptBytes;
    for (const name of contents.orphans) {
      this.#counts.corrupt += 1;
      options.onEvent({ type: 'corrupt', name, message: 'the profile has no description beside it' });
    }
    for (const entry of contents.entries) this.#index.add(entry);
    this.#keepBounds();
    this.#pump();
  }

  get stats(): QueueStats {
    return {
      ...this.#counts,
      queued: this.#index.size,
      queuedBytes: this.#index.bytes,
      inFlight: this.#inFlight,
      gate: this.#gate.state,
      lastFailure: this.#lastFailure,
    };
  }

  /** Resolves when the profile is on disk. Rejects with a SinkError when it can't be kept. */
  async add(meta: EntryMeta, body: Uint8Array): Promise<QueueEntry> {
    if (body.length > this.#options.maxBytes) {
      throw new SinkError('QUEUE_FULL', `the profile is larger than the whole queue may be (queue.max-bytes)`);
    }
    const entry = await this.#put(meta, body);
    this.#index.add(entry);
    this.#keepBounds();
    this.#pump();
    return entry;
  }

  async #put(meta: EntryMeta, body: Uint8Array): Promise<QueueEntry> {
    try {
      return await this.#options.queue.put(meta, body);
    } catch (error) {
      throw new SinkError('QUEUE_WRITE', `cannot write to the queue: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Keeps a profile that we know the remote refuses where its own refusals are. */
  async addRejected(meta: EntryMeta, body: Uint8Array, hint: string): Promise<void> {
    await this.#reject(await this.#put(meta, body), meta, meta.answer ?? '', hint);
  }

  /** Queues again what was rejected, oldest first. Gives how many. */
  async retryRejected(): Promise<number> {
    const all = this.#rejected.splice(0);
    let again = 0;
    for (const entry of all) {
      this.#rejectedBytes -= entry.bytes;
      try {
        const found = await this.#options.queue.read(entry, REJECTED_DIR);
        if (found === undefined) continue;
        const queuedAtMs = this.#options.clock.now();
        await this.add({ ...found.meta, refusals: 0, answer: undefined, queuedAtMs }, found.body);
        this.#options.queue.remove(entry, REJECTED_DIR);
        again += 1;
      } catch (error) {
        this.#rejected.push(entry);
        this.#rejectedBytes += entry.bytes;
        if (!(error instanceof CorruptEntryError)) throw error;
        this.#options.onEvent({ type: 'corrupt', name: entry.name, message: error.message });
      }
    }
    return again;
  }

  /**
   * Resolves when no more than `most` profiles are left to send, when waiting is in vain (the remote needs mending, or asked us to stay away
   * for longer), or after `deadlineMs`; then nothing more is sent, what is on its way is cut off, and all that is left
   * stays on disk.
   */
  async flush(deadlineMs: number, most = 0): Promise<void> {
    const endsAtMs = this.#options.clock.monotonic() + deadlineMs;
    const cancel = this.#options.clock.schedule(deadlineMs, () => this.#stop());
    while (!this.#isDone(endsAtMs, most)) await new Promise<void>((resolve) => this.#settled.push(resolve));
    cancel();
    // Who ends with something left wants to know why, however short the trouble was.
    if (this.#gate.state === 'closed' && this.#index.size > 0) this.#tellUnavailable(this.#lastFailure);
  }

  /** Sends nothing more. What is left stays on disk. */
  async close(): Promise<void> {
    this.#stop();
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#settled.push(resolve));
    await Promise.all(this.#background);
    await this.#options.queue.close();
  }

  #isDone(endsAtMs: number, most: number): boolean {
    if (most > 0 && this.#index.size <= most) return true;
    if (this.#inFlight > 0) return false;
    const { state, opensAtMs } = this.#gate;
    return this.#isStopped || this.#index.size === 0 || state === 'paused' || opensAtMs > endsAtMs;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#abort.abort();
    this.#cancelGateTimer?.();
    for (const series of this.#index.waiting()) series.cancelWait?.();
    this.#tellSettled();
  }

  #tellSettled(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #pump(): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    this.#dropAged(clock.now());
    const atMs = clock.monotonic();
    while (this.#inFlight < this.#gate.allowed(atMs, this.#options.maxInFlight)) {
      const turn = this.#index.takeTurn();
      if (turn === undefined) break;
      this.#inFlight += 1;
      this.#run(this.#send(turn.series, turn.entry));
    }
    this.#cancelGateTimer?.();
    this.#cancelGateTimer = undefined;
    const waitMs = this.#gate.opensAtMs - atMs;
    if (waitMs > 0 && this.#index.size > 0) {
      this.#cancelGateTimer = clock.schedule(waitMs, () => this.#pump());
    }
  }

  /** Work that nobody awaits but `close`. */
  #run(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.onEvent({ type: 'disk-error', message: messageOf(error) }))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  async #send(series: Series, entry: QueueEntry): Promise<void> {
    let waitMs: number | undefined;
    try {
      waitMs = await this.#attempt(series, entry);
    } catch (error) {
      // The disk, not the remote. Never stop the queue for it.
      this.#options.onEvent({ type: 'disk-error', message: `${entry.name}: ${messageOf(error)}` });
      series.failures += 1;
      waitMs = this.#backoffOf(series);
    }
    this.#inFlight -= 1;
    if (waitMs === undefined || this.#isStopped) this.#index.makeReady(series);
    else this.#wait(series, waitMs);
    this.#pump();
    this.#tellSettled();
  }

  /** Gives how long the series has to wait, or undefined where its next turn may come at once. */
  async #attempt(series: Series, entry: QueueEntry): Promise<number | undefined> {
    const { queue, clock } = this.#options;
    const found = await this.#read(entry);
    if (found === undefined) return undefined;
    const { meta, body } = found;
    const verdict = await this.#options.deliver(meta, body, this.#abort.signal);
    if (this.#abort.signal.aborted && verdict.type !== 'accepted' && verdict.type !== 'known') return undefined;
    this.#lastFailure = 'answer' in verdict ? verdict.answer : undefined;
    if ('answer' in verdict) this.#options.onOutcome?.(entry.name, { outcome: 'queued', answer: verdict.answer });
    switch (verdict.type) {
      case 'accepted':
        this.#counts.accepted += 1;
        this.#index.remove(entry); // first: whatever the disk does now, it is not sent again
        try {
          this.#options.onAccepted(meta);
        } finally {
          queue.remove(entry);
        }
        this.#options.onOutcome?.(entry.name, { outcome: 'accepted' });
        this.#options.onEvent({ type: 'accepted', meta });
        this.#works();
        return undefined;
      case 'known':
        this.#index.remove(entry);
        queue.remove(entry);
        return undefined;
      case 'rejected':
        this.#index.remove(entry);
        await this.#reject(entry, meta, verdict.answer);
        this.#works();
        return undefined;
      case 'misconfigured':
        if (this.#gate.misconfigured(clock.monotonic())) {
          this.#options.onEvent({ type: 'misconfigured', answer: verdict.answer, queued: this.#index.size });
        }
        return undefined;
      case 'doubtful': {
        const refusals = meta.refusals + 1;
        if (refusals >= verdict.maxAttempts) {
          this.#index.remove(entry);
          await this.#reject(entry, { ...meta, refusals }, verdict.answer);
          return undefined;
        }
        await queue.update(entry, { ...meta, refusals, answer: verdict.answer });
        return this.#again(series, meta, verdict.answer, verdict.retryAfterMs);
      }
      case 'unavailable':
        this.#gate.failed(clock.monotonic(), verdict.retryAfterMs);
        if (this.#gate.isDown) this.#tellUnavailable(verdict.answer);
        return this.#again(series, meta, verdict.answer, verdict.retryAfterMs);
    }
  }

  async #read(entry: QueueEntry): Promise<{ readonly meta: EntryMeta; readonly body: Uint8Array } | undefined> {
    try {
      const found = await this.#options.queue.read(entry);
      if (found === undefined) this.#index.remove(entry); // a person took it
      return found;
    } catch (error) {
      if (!(error instanceof CorruptEntryError)) throw error;
      this.#index.remove(entry);
      this.#counts.corrupt += 1;
      this.#options.onEvent({ type: 'corrupt', name: entry.name, message: error.message });
      this.#options.queue.setAside(entry);
      return undefined;
    }
  }

  #tellUnavailable(answer: string | undefined): void {
    if (this.#wasUnavailable || answer === undefined) return;
    this.#wasUnavailable = true;
    this.#options.onEvent({ type: 'unavailable', answer, queued: this.#index.size });
  }

  #again(series: Series, meta: EntryMeta, answer: string, retryAfterMs: number | undefined): number {
    this.#counts.retries += 1;
    series.failures += 1;
    const waitMs = retryAfterMs ?? this.#backoffOf(series);
    this.#options.onEvent({ type: 'retrying', meta, answer, waitMs });
    if (series.failures === STUCK_AFTER && this.#gate.state === 'open') {
      this.#options.onEvent({ type: 'stuck', meta, answer, failures: series.failures });
    }
    return waitMs;
  }

  #backoffOf(series: Series): number {
    const { backoff, clock } = this.#options;
    return backoffMs(series.failures, backoff, () => clock.random());
  }

  #wait(series: Series, waitMs: number): void {
    series.state = 'waiting';
    series.cancelWait = this.#options.clock.schedule(waitMs, () => {
      this.#index.makeReady(series);
      this.#pump();
    });
  }

  /** The remote answered as a working one does. */
  #works(): void {
    const wasPaused = this.#gate.state === 'paused';
    if (!this.#gate.succeeded()) return;
    if (this.#wasUnavailable || wasPaused) this.#options.onEvent({ type: 'available', queued: this.#index.size });
    this.#wasUnavailable = false;
    for (const series of this.#index.waiting()) this.#index.makeReady(series);
  }

  async #reject(entry: QueueEntry, meta: EntryMeta, answer: string, hint?: string): Promise<void> {
    this.#counts.rejected += 1;
    this.#options.onOutcome?.(entry.name, { outcome: 'refused', answer });
    const rejected = { ...meta, answer };
    const moved = await this.#options.queue.reject(entry, rejected);
    this.#rejected.push(moved);
    this.#rejectedBytes += moved.bytes;
    this.#options.onEvent({ type: 'rejected', meta: rejected, answer, hint });
    this.#keepBounds();
  }

  /** Lets the oldest go until all fits: first what the remote refused anyway, then what still waits. */
  #keepBounds(): void {
    while (this.#index.bytes + this.#rejectedBytes + this.#corruptBytes > this.#options.maxBytes) {
      const rejected = this.#rejected.shift();
      if (rejected !== undefined) {
        this.#rejectedBytes -= rejected.bytes;
        this.#drop(rejected, 'max-bytes', REJECTED_DIR);
        continue;
      }
      const oldest = this.#index.oldest();
      if (oldest === undefined) return;
      this.#index.remove(oldest);
      this.#drop(oldest, 'max-bytes', '');
    }
  }

  #dropAged(nowMs: number): void {
    for (;;) {
      const oldest = this.#index.oldest();
      if (oldest === undefined || nowMs - oldest.order / 1000 <= this.#options.maxAgeMs) return;
      this.#index.remove(oldest);
      this.#drop(oldest, 'max-age', '');
    }
  }

  #drop(entry: QueueEntry, bound: 'max-bytes' | 'max-age', dir: string): void {
    this.#counts.dropped += 1;
    this.#options.onEvent({ type: 'dropped', name: entry.name, bound, isRejected: dir !== '' });
    try {
      this.#options.queue.remove(entry, dir);
    } catch (error) {
      this.#options.onEvent({ type: 'disk-error', message: messageOf(error) });
    }
    this.#tellSettled();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
