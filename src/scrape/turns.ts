import { PyroPullError } from '../errors.ts';
import { instanceAddressOf } from '../targets/instance-address.ts';
import type { Target } from '../targets/target.ts';
import { ProcessTurns } from './process-turns.ts';
import type { ScrapedProfile } from './scraped-profile.ts';
import { Slots } from './slots.ts';

/** Decides who may send a request now: a limit on scrapes at once, and turns for each process. */
export interface ScrapeTurns {
  readonly slots: Slots;
  readonly processes: ProcessTurns;
}

export function createTurns(concurrency: number): ScrapeTurns {
  return { slots: new Slots(concurrency), processes: new ProcessTurns() };
}

export interface TurnDeps {
  /** Rejects with a ScrapeError. */
  scrape(target: Target): Promise<ScrapedProfile>;
  /** Resolves early when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
  readonly signal: AbortSignal;
}

/**
 * Scrapes when it is the target's turn: CPU profiles of one process one after the other, and with `exclusive` all profiles of
 * the job. A program that is busy with another profile is asked again while that request would begin by `retryUntilMs` (Unix
 * milliseconds; undefined: for one scrape interval). Rejects with a ScrapeError.
 */
export function scrapeInTurn(
  target: Target,
  turns: ScrapeTurns,
  deps: TurnDeps,
  retryUntilMs?: number,
): Promise<ScrapedProfile> {
  const scrape = () => scrapeUntilFree(target, turns, deps, retryUntilMs);
  if (!target.job.isExclusive && !isCpuProfile(target)) return scrape();
  return turns.processes.run(instanceAddressOf(target), scrape);
}

/** The first wait before a busy program is asked again, in milliseconds. */
const BUSY_RETRY_MS = 1000;

async function scrapeUntilFree(
  target: Target,
  { slots }: ScrapeTurns,
  deps: TurnDeps,
  retryUntilMs: number | undefined,
): Promise<ScrapedProfile> {
  let waitMs = BUSY_RETRY_MS;
  let untilMs = retryUntilMs;
  for (;;) {
    untilMs ??= deps.now() + target.scrapeIntervalMs;
    try {
      // A request that mostly waits for the target costs nothing here and takes no slot.
      if (target.seconds !== undefined) return await deps.scrape(target);
      return await slots.run(() => deps.scrape(target));
    } catch (error) {
      if (!(error instanceof PyroPullError) || !isBusy(error.code)) throw error;
      if (deps.signal.aborted || deps.now() + waitMs > untilMs) throw error;
      await deps.sleep(waitMs, deps.signal);
      // Only Go's own answer is sure to be about a profiler. Another 429 may be a rate limit, which more requests make worse.
      if (error.code !== 'CPU_PROFILER_BUSY') waitMs *= 2;
    }
  }
}

function isBusy(code: string): boolean {
  return code === 'CPU_PROFILER_BUSY' || code === 'PROFILER_BUSY';
}

/** The profiles that share Go's one CPU profiler of a process. Others with `seconds` may overlap. */
export function isCpuProfile({ seconds, pathAndQuery }: Pick<Target, 'seconds' | 'pathAndQuery'>): boolean {
  return seconds !== undefined && /\/profile(\?|$)/.test(pathAndQuery);
}
