import { slotDelayMs } from '../targets/key.ts';
import type { Target } from '../targets/target.ts';

/** The times at which a target may be scraped: all t (Unix milliseconds) with t mod intervalMs = phaseMs. */
export interface Grid {
  readonly phaseMs: number;
  readonly intervalMs: number;
}

/** The phase comes from the target's key alone, so a restart keeps it and the targets of a job are spread. */
export function gridOf({ key, scrapeIntervalMs }: Pick<Target, 'key' | 'scrapeIntervalMs'>): Grid {
  return { phaseMs: slotDelayMs(key, scrapeIntervalMs, 0), intervalMs: scrapeIntervalMs };
}

/** The last grid point at or before a time. */
export function slotUntil({ phaseMs, intervalMs }: Grid, atMs: number): number {
  return Math.floor((atMs - phaseMs) / intervalMs) * intervalMs + phaseMs;
}

/** The first grid point at or after a time. */
export function slotFrom({ phaseMs, intervalMs }: Grid, atMs: number): number {
  return Math.ceil((atMs - phaseMs) / intervalMs) * intervalMs + phaseMs;
}

export interface NextSlot {
  /** The grid point that the next scrape serves. */
  readonly slotMs: number;
  /** When it starts: the grid point, or at once where that has just passed. */
  readonly startMs: number;
  /** Grid points in between that get no scrape. */
  readonly missed: number;
}

/** A scrape may start this late after its grid point, as a part of the interval, but in any case `MIN_LATE_MS`. */
const LATE_PART = 0.1;
const MIN_LATE_MS = 1000;

/**
 * The slot after a scrape that served `servedMs` (undefined where the clock has jumped since) and ended at `endMs`: the
 * next grid point, or the one that has only just passed. The latter keeps a profile whose `seconds` fill its interval
 * going without a break.
 */
export function nextSlot(grid: Grid, servedMs: number | undefined, endMs: number): NextSlot {
  if (servedMs === undefined) {
    const slotMs = slotFrom(grid, endMs);
    return { slotMs, startMs: slotMs, missed: 0 };
  }
  // Never the same slot twice, even where the clock was set back a little.
  const freeMs = Math.max(endMs, servedMs + 1);
  const passedMs = slotUntil(grid, freeMs);
  const isJustPassed = passedMs > servedMs && freeMs - passedMs < lateLimitMs(grid);
  const slotMs = isJustPassed ? passedMs : slotFrom(grid, freeMs);
  return { slotMs, startMs: Math.max(slotMs, freeMs), missed: Math.round((slotMs - servedMs) / grid.intervalMs) - 1 };
}

function lateLimitMs({ intervalMs }: Grid): number {
  return Math.max(intervalMs * LATE_PART, MIN_LATE_MS);
}

/** Go answers a CPU profile of N seconds after up to N s and 200 ms. */
const ANSWER_MS = 200;

/** Whether the target measures for so long that a slot is lost now and then without anything being wrong. */
export function fillsInterval({ seconds, scrapeIntervalMs }: Pick<Target, 'seconds' | 'scrapeIntervalMs'>): boolean {
  return seconds !== undefined && scrapeIntervalMs - seconds * 1000 < ANSWER_MS;
}

/** Longest wait before a profile that a target does not have is asked for again. */
const MAX_ABSENT_WAIT_MS = 10 * 60_000;

/** The slot after a 404, the `rounds`-th in a row: the distance doubles each time, up to ten minutes. */
export function slotAfterAbsence(grid: Grid, servedMs: number, endMs: number, rounds: number): number {
  const doubledMs = grid.intervalMs * 2 ** Math.min(rounds, 30);
  const waitMs = Math.max(grid.intervalMs, Math.min(doubledMs, MAX_ABSENT_WAIT_MS));
  return slotFrom(grid, Math.max(servedMs + waitMs, endMs));
}
