import type { PyroPullError } from '../../errors.ts';
import type { PullEvent } from '../../pull.ts';
import { tlsBehindHint } from '../../scrape/status-error.ts';
import { instanceIdOf } from '../../targets/instance-address.ts';
import type { Target } from '../../targets/target.ts';
import { count, formatBytes, formatElapsed } from './units.ts';

/** What a run came to: built up from its events, printed at its end. */
export class Report {
  readonly #startedAtMs: number;
  readonly #instances = new Map<string, { scraped: number; failed: number }>();
  readonly #failures = new Map<string, Failures>();
  #expected = 0;
  #leavesToOthers = false;
  #rejected = 0;
  #dropped = 0;
  #finished = 0;
  /** To the queues of remotes. */
  #handed = 0;
  #written = 0;
  #empty = 0;
  #held = 0;
  #failed = 0;
  #bytes = 0;
  #resets = 0;
  #discoveryFailures = 0;
  #slowest: { target: Target; durationMs: number } | undefined;
  #suggested: { path: string; isMeasured: boolean } | undefined;

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  add(event: PullEvent): void {
    switch (event.type) {
      case 'discovery-failed':
        this.#discoveryFailures += 1;
        break;
      case 'planned':
        this.#expected = event.plan.steps.length;
        for (const job of event.plan.jobs) {
          this.#rejected += job.rejected.length;
          this.#dropped += job.droppedCount;
          this.#leavesToOthers ||= job.dropped.some(
            ({ reason }) => reason.type === 'shard' || reason.type === 'sample',
          );
        }
        for (const { target } of event.plan.steps) this.#instance(target);
        break;
      case 'held':
        this.#held += 1;
        this.#instance(event.target).scraped += 1;
        break;
      case 'empty':
        this.#empty += 1;
        this.#instance(event.target).scraped += 1;
        break;
      case 'finished':
        this.#finished += 1;
        if (event.receipts.some(({ path }) => path !== undefined)) {
          this.#written += 1;
          this.#bytes += event.profile.bytes;
        }
        if (event.receipts.some(({ remote }) => remote !== undefined)) this.#handed += 1;
        this.#instance(event.target).scraped += 1;
        if (event.profile.isReset) this.#resets += 1;
        this.#addDuration(event.target, event.durationMs);
        this.#addPath(event.target, event.receipts.find((receipt) => receipt.path !== undefined)?.path);
        break;
      case 'failed':
        this.#failed += 1;
        // An instance whose answer is no profile is no better off than one that doesn't answer; a full disk is not its fault.
        this.#instance(event.target)[event.stage === 'write' ? 'scraped' : 'failed'] += 1;
        this.#addFailure(event.target, event.error);
        break;
      case 'warning':
        break;
    }
  }

  get expected(): number {
    return this.#expected;
  }

  get done(): number {
    return this.#finished + this.#empty + this.#held + this.#failed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Whether the run deserves exit code 0. */
  get isClean(): boolean {
    const hasWork = this.#expected > 0 || this.isIdle;
    return this.#failed === 0 && this.#rejected === 0 && this.#discoveryFailures === 0 && hasWork;
  }

  /** There are targets, but all belong to other shards or are not in the sample now. */
  get isIdle(): boolean {
    return this.#expected === 0 && this.#leavesToOthers;
  }

  /** A file worth opening first: a CPU profile if there is one. Relative to the output directory. */
  get suggestedPath(): string | undefined {
    return this.#suggested?.path;
  }

  /** The failures, each kind once: `connection refused: 3 profiles: http://a/… (and 2 more)`. */
  failureLines(): string[] {
    return [...this.#failures.values()].map(({ target, error, urls }) => {
      const { message } = error;
      // Other profiles may have come through after this one had failed.
      const isPlain = error.code === 'TLS_EXPECTED' && this.#instance(target).scraped > 0;
      const hint = isPlain ? tlsBehindHint(target) : error.hint;
      const more = urls.length > 1 ? ` (and ${urls.length - 1} more)` : '';
      const remedy = hint ? ` — ${hint}` : '';
      return `${urls[0]}${more}: ${message}${remedy}`;
    });
  }

  /** `4 profiles written (31.0 KiB), 1 empty, from 1 instance in 10.2 s`, and what else is worth a line. */
  summaryLines(nowMs: number): string[] {
    const parts: string[] = [];
    if (this.#written > 0 || this.#handed === 0)
      parts.push(`${count(this.#written, 'profile')} written (${formatBytes(this.#bytes)})`);
    if (this.#handed > 0) parts.push(`${count(this.#handed, 'profile')} to send`);
    if (this.#empty > 0) parts.push(`${this.#empty} empty`);
    if (this.#held > 0) parts.push(`${this.#held} held back`);
    if (this.#failed > 0) parts.push(`${this.#failed} failed`);
    if (this.#resets > 0) parts.push(count(this.#resets, 'counter reset'));
    const { up, partly, down, unknown } = this.#health();
    const health = [`${count(up, 'instance')} up`];
    if (partly > 0) health.push(`${partly} partly`);
    if (down > 0) health.push(`${down} down`);
    if (unknown > 0) health.push(`${unknown} not scraped`);
    if (this.#rejected > 0) health.push(`${this.#rejected} rejected`);
    if (this.#dropped > 0) health.push(`${this.#dropped} dropped`);
    const lines = [`${parts.join(', ')}; ${health.join(', ')}; took ${formatElapsed(nowMs - this.#startedAtMs)}`];
    if (this.#slowest && this.#expected > 1) {
      lines.push(`slowest: ${this.#slowest.target.url} ${formatElapsed(this.#slowest.durationMs)}`);
    }
    return lines;
  }

  /** The last object of `--json`. */
  summary(nowMs: number): Record<string, unknown> {
    return {
      summary: {
        profiles: this.#expected,
        written: this.#written,
        toSend: this.#handed,
        empty: this.#empty,
        held: this.#held,
        failed: this.#failed,
        bytes: this.#bytes,
        resets: this.#resets,
        instances: { ...this.#health(), rejected: this.#rejected, dropped: this.#dropped },
        discoveryFailures: this.#discoveryFailures,
        durationMs: Math.round(nowMs - this.#startedAtMs),
      },
    };
  }

  #instance(target: Target): { scraped: number; failed: number } {
    const id = instanceIdOf(target);
    let instance = this.#instances.get(id);
    if (!instance) {
      instance = { scraped: 0, failed: 0 };
      this.#instances.set(id, instance);
    }
    return instance;
  }

  /** How much longer a scrape took than the target measured. A target that answers at once was not slow. */
  #addDuration(target: Target, scrapeMs: number): void {
    const durationMs = Math.max(0, scrapeMs - (target.seconds ?? 0) * 1000);
    if (this.#slowest === undefined || durationMs > this.#slowest.durationMs) this.#slowest = { target, durationMs };
  }

  #addPath(target: Target, path: string | undefined): void {
    if (target.format === 'text') return;
    const isMeasured = target.seconds !== undefined;
    if (path !== undefined && (this.#suggested === undefined || (isMeasured && !this.#suggested.isMeasured))) {
      this.#suggested = { path, isMeasured };
    }
  }

  #addFailure(target: Target, error: PyroPullError): void {
    const known = this.#failures.get(error.message);
    if (known) known.urls.push(target.url);
    else this.#failures.set(error.message, { target, error, urls: [target.url] });
  }

  /** `unknown`: the run was stopped before anything came of them. */
  #health(): { up: number; partly: number; down: number; unknown: number } {
    const health = { up: 0, partly: 0, down: 0, unknown: 0 };
    for (const { scraped, failed } of this.#instances.values()) {
      if (scraped + failed === 0) health.unknown += 1;
      else if (failed === 0) health.up += 1;
      else if (scraped === 0) health.down += 1;
      else health.partly += 1;
    }
    return health;
  }
}

interface Failures {
  /** Of the first. */
  readonly target: Target;
  readonly error: PyroPullError;
  readonly urls: string[];
}
