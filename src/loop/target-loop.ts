import { type PyroPullError, ScrapeError } from '../errors.ts';
import { type ProfileSettings, type PullDeps, pullTarget, type TargetResult } from '../pull.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import { type ScrapeTurns, scrapeInTurn } from '../scrape/turns.ts';
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
  /** The slot that it was started for. */
  readonly slotMs: number;
  /** The slot that it serves; undefined where the clock has jumped since. */
  servedMs: number | undefined;
  /** When its first request was sent, Unix milliseconds; undefined where none was. */
  requestedMs: number | undefined;
}

/** What only targets have with which something went wrong. */
interface Trouble {
  failuresInRow: number;
  /** When the first of them was, monotonic milliseconds. */
  downSinceMs: number;
  /** Rounds in a row without such a profile. */
  absentRounds: number;
  isAbsenceTold: boolean;
  /** Of the last scrape. */
  lastError: FailureView | undefined;
}

/**
 * The rounds of one target: one request at a time, each in its slot, until the target is gone. There is one for each profile
 * of each address, so it has few fields, and no function or timer of its own. A number that is not whole would be an object.
 */
export class TargetLoop implements Timer {
  place = -1;
  /** As discovery and config have it now; a round under way goes on with the one it began with. */
  target: Target;
  /** Discovery no longer has it. A scrape under way may end, what it brings is kept, its failure is of no interest. */
  isGone = false;
  readonly #world: RoundWorld;
  /** Undefined while none is under way. */
  #round: Round | undefined;
  #isRestored = false;
  #health: TargetHealth = 'unknown';
  #missed = 0;
  /** Of the last request, whole microseconds. */
  #durationMicros: number | undefined;
  #lastScrapeMs: number | undefined;
  #bytes: number | undefined;
  #trouble: Trouble | undefined;

  constructor(target: Target, world: RoundWorld) {
    this.target = target;
    this.#world = world;
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
    if (!isSameGrid) this.regrid();
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
      lastError: this.#trouble?.lastError,
      failuresInRow: this.#trouble?.failuresInRow ?? 0,
      nextSlotMs: this.#world.queue.slotOf(this),
      missedSlots: this.#missed,
    };
  }

  /** Called by the queue when it is time. */
  run(slotMs: number): void {
    const round: Round = { slotMs, servedMs: slotMs, requestedMs: undefined };
    this.#round = round;
    void this.#serve(round);
  }

  get #grid(): Grid {
    return gridOf(this.target);
  }

  get #durationMs(): number | undefined {
    return this.#durationMicros === undefined ? undefined : this.#durationMicros / 1000;
  }

  #waitFor(slotMs: number, startMs = slotMs): void {
    this.#world.queue.put(this, startMs, slotMs);
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
    const lastStartMs = round.slotMs + target.scrapeIntervalMs - (target.seconds ?? 0) * 1000;
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
      this.#durationMicros = Math.round((clock.monotonic() - requestedAt) * 1000);
    }
  }

  #tell(target: Target, result: TargetResult | undefined, { slotMs, servedMs, requestedMs }: Round): void {
    const { deps } = this.#world;
    const isIgnored = result === undefined || (this.isGone && result.type === 'failed');
    const outcome = isIgnored ? 'cancelled' : outcomeOf(result);
    if (!isIgnored) {
      deps.onEvent(result);
      if (result.type !== 'failed' || outcome === 'unwritten') this.#succeeded(target);
      else this.#failed(target, result);
      if (result.type === 'failed') this.#noteTrouble().lastError = failureView(result.error);
    }
    deps.onEvent({
      type: 'round',
      target,
      outcome,
      // The clock has jumped: the difference would say how far, and not how late.
      latenessMs: requestedMs === undefined || servedMs === undefined ? undefined : Math.max(0, requestedMs - slotMs),
      durationMs: requestedMs === undefined ? undefined : this.#durationMs,
      bytes: outcome === 'failed' || outcome === 'absent' || outcome === 'cancelled' ? undefined : this.#bytes,
    });
  }

  #succeeded(target: Target): void {
    const { failuresInRow = 0, downSinceMs = 0 } = this.#trouble ?? {};
    this.#trouble = undefined;
    this.#health = 'up';
    if (failuresInRow === 0) return;
    const downMs = this.#world.clock.monotonic() - downSinceMs;
    this.#world.deps.onEvent({ type: 'up', target, failures: failuresInRow, downMs });
  }

  #failed(target: Target, { stage, error }: Extract<TargetResult, { readonly type: 'failed' }>): void {
    const { deps, clock } = this.#world;
    const trouble = this.#noteTrouble();
    if (stage === 'scrape') deps.scrapeFailed(target);
    if (trouble.failuresInRow === 0) trouble.downSinceMs = clock.monotonic();
    trouble.failuresInRow += 1;
    if (error.code === 'PROFILE_NOT_FOUND') {
      trouble.absentRounds += 1;
      this.#health = 'absent';
      if (!trouble.isAbsenceTold) deps.onEvent({ type: 'absent', target, error });
      trouble.isAbsenceTold = true;
      return;
    }
    trouble.absentRounds = 0;
    if (this.#health !== 'down') deps.onEvent({ type: 'down', target, error });
    this.#health = 'down';
  }

  #noteTrouble(): Trouble {
    this.#trouble ??= {
      failuresInRow: 0,
      downSinceMs: 0,
      absentRounds: 0,
      isAbsenceTold: false,
      lastError: undefined,
    };
    return this.#trouble;
  }

  #waitForNext(servedMs: number | undefined, endMs: number): void {
    const { absentRounds = 0 } = this.#trouble ?? {};
    if (absentRounds > 0) {
      this.#waitFor(slotAfterAbsence(this.#grid, servedMs ?? endMs, endMs, absentRounds));
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
