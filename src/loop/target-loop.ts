import { type PyroPullError, ScrapeError } from '../errors.ts';
import {
  type ProfileSettings,
  type PullDeps,
  pullTarget,
  type ScrapeTurns,
  scrapeInTurn,
  type TargetResult,
} from '../pull.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { Target } from '../targets/target.ts';
import type { LoopEvent, RoundOutcome } from './loop-event.ts';
import type { FailureView, TargetHealth, TargetView } from './loop-view.ts';
import { fillsInterval, type Grid, gridOf, nextSlot, slotAfterAbsence, slotFrom } from './slot.ts';
import type { LoopClock, Timer, TimerQueue } from './timer-queue.ts';

/** What the rounds of all targets share. */
export interface RoundWorld {
  readonly queue: TimerQueue;
  readonly clock: LoopClock;
  readonly turns: ScrapeTurns;
  readonly deps: RoundDeps;
  /** Those of the config in force. */
  settings(): ProfileSettings;
  /** No new requests. */
  isStopping(): boolean;
  /** Those with a round under way. */
  readonly running: Set<TargetLoop>;
  /** A round has ended, with or without a next one. */
  onEnded(loop: TargetLoop): void;
}

export interface RoundDeps
  extends Pick<PullDeps, 'scrape' | 'delta' | 'sinks' | 'commitBaseline' | 'revertBaseline' | 'sleep' | 'signal'> {
  /** Looks for a snapshot of an earlier run, once, before the first scrape. Throws a StateError. */
  restoreBaseline(target: Target): 'restored' | 'none' | 'torn' | 'version';
  /** No good response: a target that subtracts by itself may have moved on. */
  scrapeFailed(target: Target): void;
  onEvent(event: LoopEvent): void;
}

/** What only matters while a scrape is under way. */
interface Round {
  /** The slot that it serves; undefined where the clock has jumped since. */
  servedMs: number | undefined;
  /** When its first request was sent, Unix milliseconds; undefined where none was. */
  requestedMs: number | undefined;
}

/**
 * The rounds of one target: one request at a time, each in its slot, until the target is gone. There is one for each profile
 * of each address, so it has few fields, and no function or timer of its own.
 */
export class TargetLoop implements Timer {
  dueMs = 0;
  place = -1;
  /** As discovery and config have it now; a round under way goes on with the one it began with. */
  target: Target;
  /** Discovery no longer has it. A scrape under way may end, what it brings is kept, its failure is of no interest. */
  isGone = false;
  readonly #world: RoundWorld;
  #phaseMs: number;
  /** The slot that is waited for, or served now. */
  #slotMs = 0;
  /** Undefined while none is under way. */
  #round: Round | undefined;
  #isRestored = false;
  #health: TargetHealth = 'unknown';
  #isAbsenceTold = false;
  #absentRounds = 0;
  #failures = 0;
  #downSinceMs = 0;
  #missed = 0;
  /** Of the last request. */
  #durationMs: number | undefined;
  #lastScrapeMs: number | undefined;
  #bytes: number | undefined;
  #lastError: FailureView | undefined;

  constructor(target: Target, world: RoundWorld) {
    this.target = target;
    this.#world = world;
    this.#phaseMs = gridOf(target).phaseMs;
  }

  /** Waits for the first slot. */
  start(): void {
    this.#waitFor(slotFrom(this.#grid, this.#world.clock.now()));
  }

  /** The same target after a refresh or a reload: phase and baseline stay; another interval is another grid. */
  update(target: Target): void {
    const isSameGrid = target.scrapeIntervalMs === this.target.scrapeIntervalMs;
    this.target = target;
    this.isGone = false;
    if (isSameGrid) return;
    this.#phaseMs = gridOf(target).phaseMs;
    this.regrid();
  }

  /** Computes the slot anew: the wall clock is not what it was. */
  regrid(): void {
    if (this.#round) this.#round.servedMs = undefined;
    if (this.place !== -1) this.start();
  }

  retire(): void {
    this.isGone = true;
    this.#world.queue.remove(this);
  }

  view(): TargetView {
    return {
      target: this.target,
      health: this.#health,
      isScraping: this.#round !== undefined,
      lastScrapeMs: this.#lastScrapeMs,
      lastDurationMs: this.#durationMs,
      lastBytes: this.#bytes,
      lastError: this.#lastError,
      failuresInRow: this.#failures,
      nextSlotMs: this.place === -1 ? undefined : this.#slotMs,
      missedSlots: this.#missed,
    };
  }

  /** Called by the queue when it is time. */
  run(): void {
    const round: Round = { servedMs: this.#slotMs, requestedMs: undefined };
    this.#round = round;
    void this.#serve(round);
  }

  get #grid(): Grid {
    return { phaseMs: this.#phaseMs, intervalMs: this.target.scrapeIntervalMs };
  }

  #waitFor(slotMs: number, startMs = slotMs): void {
    this.#slotMs = slotMs;
    this.#world.queue.put(this, startMs);
  }

  async #serve(round: Round): Promise<void> {
    const { target } = this;
    const { deps, clock } = this.#world;
    this.#world.running.add(this);
    let result: TargetResult | undefined;
    try {
      this.#restore(target);
      const scrape = () => this.#scrape(target, round);
      result = await pullTarget(target, scrape, this.#world.settings(), deps);
    } catch (error) {
      deps.onEvent({ type: 'fault', error });
    }
    this.#round = undefined;
    this.#world.running.delete(this);
    this.#tell(target, result, round);
    if (!this.isGone && !this.#world.isStopping()) this.#waitForNext(round.servedMs, clock.now());
    this.#world.onEnded(this);
  }

  #restore(target: Target): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const { deps } = this.#world;
    try {
      const found = deps.restoreBaseline(target);
      if (found === 'torn' || found === 'version') deps.onEvent({ type: 'state-ignored', target, why: found });
    } catch (error) {
      deps.onEvent({ type: 'warning', message: error instanceof Error ? error.message : String(error) });
    }
  }

  #scrape(target: Target, round: Round): Promise<ScrapedProfile> {
    const { turns, clock, deps } = this.#world;
    const lastStartMs = this.#slotMs + target.scrapeIntervalMs - (target.seconds ?? 0) * 1000;
    const scrape = (of: Target) => this.#request(of, round);
    const { sleep, signal } = deps;
    return scrapeInTurn(target, turns, { scrape, sleep, signal, now: () => clock.now() }, lastStartMs);
  }

  async #request(target: Target, round: Round): Promise<ScrapedProfile> {
    const { clock, deps } = this.#world;
    if (this.isGone || this.#world.isStopping()) throw new ScrapeError('CANCELLED', 'no longer wanted');
    round.requestedMs ??= clock.now();
    this.#lastScrapeMs = round.requestedMs;
    const requestedAt = clock.monotonic();
    try {
      const scraped = await deps.scrape(target);
      this.#bytes = scraped.content.body.length;
      return scraped;
    } finally {
      this.#durationMs = clock.monotonic() - requestedAt;
    }
  }

  #tell(target: Target, result: TargetResult | undefined, { requestedMs }: Round): void {
    const { deps } = this.#world;
    const isIgnored = result === undefined || (this.isGone && result.type === 'failed');
    const outcome = isIgnored ? 'cancelled' : outcomeOf(result);
    if (!isIgnored) {
      deps.onEvent(result);
      this.#lastError = result.type === 'failed' ? failureView(result.error) : undefined;
      if (result.type !== 'failed' || outcome === 'unwritten') this.#succeeded(target);
      else this.#failed(target, result);
    }
    deps.onEvent({
      type: 'round',
      target,
      outcome,
      latenessMs: requestedMs === undefined ? undefined : requestedMs - this.#slotMs,
      durationMs: requestedMs === undefined ? undefined : this.#durationMs,
      bytes: outcome === 'failed' || outcome === 'absent' || outcome === 'cancelled' ? undefined : this.#bytes,
    });
  }

  #succeeded(target: Target): void {
    if (this.#failures > 0) {
      const downMs = this.#world.clock.now() - this.#downSinceMs;
      this.#world.deps.onEvent({ type: 'up', target, failures: this.#failures, downMs });
    }
    this.#health = 'up';
    this.#failures = 0;
    this.#absentRounds = 0;
    this.#isAbsenceTold = false;
  }

  #failed(target: Target, { stage, error }: Extract<TargetResult, { readonly type: 'failed' }>): void {
    const { deps, clock } = this.#world;
    if (stage === 'scrape') deps.scrapeFailed(target);
    if (this.#failures === 0) this.#downSinceMs = clock.now();
    this.#failures += 1;
    if (error.code === 'PROFILE_NOT_FOUND') {
      this.#absentRounds += 1;
      this.#health = 'absent';
      if (!this.#isAbsenceTold) deps.onEvent({ type: 'absent', target, error });
      this.#isAbsenceTold = true;
      return;
    }
    this.#absentRounds = 0;
    if (this.#health !== 'down') deps.onEvent({ type: 'down', target, error });
    this.#health = 'down';
  }

  #waitForNext(servedMs: number | undefined, endMs: number): void {
    if (this.#absentRounds > 0) {
      this.#waitFor(slotAfterAbsence(this.#grid, servedMs ?? endMs, endMs, this.#absentRounds));
      return;
    }
    const { slotMs, startMs, missed } = nextSlot(this.#grid, servedMs, endMs);
    if (missed > 0 && !fillsInterval(this.target)) {
      this.#missed += missed;
      this.#world.deps.onEvent({ type: 'missed', target: this.target, slots: missed });
    }
    this.#waitFor(slotMs, startMs);
  }
}

function failureView({ code, message, hint }: PyroPullError): FailureView {
  return { code, message, hint };
}

function outcomeOf(result: TargetResult): RoundOutcome {
  if (result.type !== 'failed') return result.type;
  if (result.stage === 'write') return 'unwritten';
  return result.error.code === 'PROFILE_NOT_FOUND' ? 'absent' : 'failed';
}
