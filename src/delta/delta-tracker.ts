import { freeNow } from '../profile/free-now.ts';
import type { ProfileLimits } from '../profile/limits.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { Target } from '../targets/target.ts';
import { ClockWatch } from './clock-watch.ts';
import { compressedBody } from './compress-profile.ts';
import type { DeltaOutcome } from './delta-outcome.ts';
import { type KeptTarget, KeptTargets } from './kept-targets.ts';
import { decodeTracked, encodeTracked } from './state-codec.ts';
import { TargetStep } from './target-step.ts';
import { textDump } from './text-dump.ts';
import type { TrackedTarget } from './tracked-target.ts';

export interface DeltaTrackerOptions {
  /** A baseline older than this is not used: the next snapshot starts afresh. */
  readonly maxStateAgeMs: number;
  readonly limits?: ProfileLimits;
  /** The bytes of responses are nobody else's: they are freed when they are no longer needed, and are empty afterwards. */
  readonly ownsResponses?: boolean;
}

/** Remembers the last snapshot of each target and turns each new one into a delta. Keyed by `target.key`. */
export interface DeltaTracker {
  /**
   * What to pass on for this response. Rejects with ProfileError if the profile is malformed; the baseline stays. The
   * state has moved on when the call returns, before the promise is settled: calls for different targets may overlap.
   */
  next(scraped: ScrapedProfile): Promise<DeltaOutcome>;
  /** What came of the last `next` is safe: what was before it is forgotten. */
  keep(key: string): void;
  /** What came of the last `next` is lost (a full disk): the next delta covers its interval too. */
  undo(key: string): void;
  /** A scrape of this target failed. A godeltaprof endpoint may have moved on, so its next response is discarded. */
  failed(key: string): void;
  /** True if the next good response will be compared with an earlier one that is young enough. */
  hasBaseline(target: Target, nowMs: number): boolean;
  /** Forgets a target that is gone. */
  forget(key: string): void;
  /** The target's baseline as bytes for a file; undefined where there is none. */
  exportState(key: string): Uint8Array | undefined;
  /** Takes back what `exportState` gave. `torn` and `version` leave the target without a baseline. */
  importState(key: string, bytes: Uint8Array): 'restored' | 'torn' | 'version';
  /** Targets that have something to export. */
  keys(): IterableIterator<string>;
}

export function createDeltaTracker(options: DeltaTrackerOptions, kept = new KeptTargets()): DeltaTracker {
  return new Tracker(options, kept);
}

class Tracker implements DeltaTracker {
  readonly #options: DeltaTrackerOptions;
  readonly #kept: KeptTargets;
  readonly #targets = new Map<string, KeptTarget>();
  /** What `undo` goes back to; undefined in the map for "nothing". */
  readonly #before = new Map<string, KeptTarget | undefined>();
  /** Warnings that were given, by target: each once. */
  readonly #told = new Map<string, Set<string>>();
  readonly #clocks = new ClockWatch();

  constructor(options: DeltaTrackerOptions, kept: KeptTargets) {
    this.#options = options;
    this.#kept = kept;
  }

  async next(scraped: ScrapedProfile): Promise<DeltaOutcome> {
    const { target } = scraped;
    if (target.format === 'text') return this.#textDump(scraped);
    const young = this.#young(scraped);
    const { limits = scraped.content.limits, ownsResponses = false } = this.#options;
    const step = new TargetStep(scraped, young, { limits, ownsResponse: ownsResponses });
    const { outcome, tracked } = step.take();
    // First, as it fails where there is no memory: then nothing has changed.
    const kept = this.#kept.put(tracked, tracked.state !== young?.state);
    this.#free(this.#before, target.key);
    this.#before.set(target.key, this.#targets.get(target.key));
    this.#targets.set(target.key, kept);
    const clock = this.#clocks.warningOf(target, step.clockOffsetMs);
    const warnings = [...(clock ? [clock] : []), ...this.#untold(target.key, outcome.warnings)];
    if (outcome.kind === 'held') {
      if (ownsResponses) scraped.content.release(undefined);
      return { ...outcome, warnings };
    }
    const body = await compressedBody(outcome.body);
    // The delta itself was made here; what is passed on as it came is the caller's.
    if (body !== outcome.body && outcome.body.buffer !== scraped.content.inflated?.buffer) freeNow(outcome.body);
    if (ownsResponses) scraped.content.release(body);
    return { ...outcome, warnings, body };
  }

  /** Nothing is remembered of a text dump, and nothing in it is changed. */
  async #textDump(scraped: ScrapedProfile): Promise<DeltaOutcome> {
    const outcome = await textDump(scraped);
    if (this.#options.ownsResponses) scraped.content.release(outcome.body);
    return outcome;
  }

  keep(key: string): void {
    this.#free(this.#before, key);
  }

  undo(key: string): void {
    if (!this.#before.has(key)) return;
    const before = this.#before.get(key);
    this.#before.delete(key);
    this.#free(this.#targets, key);
    if (before !== undefined) this.#targets.set(key, before);
  }

  failed(key: string): void {
    const kept = this.#targets.get(key);
    if (kept !== undefined) this.#kept.noteGap(kept);
  }

  hasBaseline(target: Target, nowMs: number): boolean {
    const tracked = this.#tracked(target.key);
    if (tracked === undefined || !this.#isYoung(tracked, target, nowMs)) return false;
    // Without a state: its last answer was no snapshot to subtract, and the next one speaks for what came after it.
    return tracked.state !== undefined || !tracked.hasGap;
  }

  forget(key: string): void {
    this.#free(this.#targets, key);
    this.#free(this.#before, key);
    this.#told.delete(key);
  }

  exportState(key: string): Uint8Array | undefined {
    const tracked = this.#tracked(key);
    return tracked && encodeTracked(tracked);
  }

  importState(key: string, bytes: Uint8Array): 'restored' | 'torn' | 'version' {
    const tracked = decodeTracked(bytes);
    if (typeof tracked === 'string') return tracked;
    const kept = this.#kept.put(tracked, true);
    this.#free(this.#targets, key);
    this.#targets.set(key, kept);
    return 'restored';
  }

  keys(): IterableIterator<string> {
    return this.#targets.keys();
  }

  #tracked(key: string): TrackedTarget | undefined {
    const kept = this.#targets.get(key);
    return kept === undefined ? undefined : this.#kept.get(kept);
  }

  /** What `targets` has of this target, if anything. */
  #free(targets: Map<string, KeptTarget | undefined>, key: string): void {
    const kept = targets.get(key);
    if (kept !== undefined) this.#kept.free(kept);
    targets.delete(key);
  }

  #young({ target, respondedAtMs }: ScrapedProfile): TrackedTarget | undefined {
    const tracked = this.#tracked(target.key);
    return tracked && this.#isYoung(tracked, target, respondedAtMs) ? tracked : undefined;
  }

  /** A target that was out of its job's sample was so for a whole rotation: it starts afresh, and not with hours in one delta. */
  #isYoung(tracked: TrackedTarget, { job }: Target, nowMs: number): boolean {
    const maxAgeMs = Math.min(this.#options.maxStateAgeMs, job.sample?.rotateEveryMs ?? Number.POSITIVE_INFINITY);
    return nowMs - tracked.stamp.wallMs <= maxAgeMs;
  }

  #untold(key: string, warnings: readonly string[]): readonly string[] {
    if (warnings.length === 0) return warnings;
    const told = this.#told.get(key) ?? new Set();
    this.#told.set(key, told);
    // Another number does not make it another warning.
    return warnings.filter((warning) => {
      const text = warning.replace(/\d+/g, '#');
      return !told.has(text) && told.add(text);
    });
  }
}
