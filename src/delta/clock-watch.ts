import { instanceAddressOf } from '../targets/instance-address.ts';
import type { Target } from '../targets/target.ts';

/** A target's clock that is further off than this is not believed. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** One that was wrong is right again only within this: at the limit it would be told of with every scrape. */
const RIGHT_AGAIN_MS = CLOCK_TOLERANCE_MS / 2;
/** Instances come and go for ever; what was told of so many is forgotten, and told again. */
const MAX_TOLD = 10_000;

/** So many targets that are off by as much are one news: all were set wrong together, or our own clock was. */
const CROWD = 3;
const ALIKE_MS = 60_000;

/** Tells of a target's wrong clock once until it is right again, whichever of its profiles shows it. */
export class ClockWatch {
  /** Instance -> how far its clock was ahead when it was told. */
  readonly #told = new Map<string, number>();
  /** How far the crowd that was told as one is ahead. */
  #crowdMs: number | undefined;

  /** `offsetMs`: how far the clock is ahead of ours (behind: negative); undefined where the profile has no time. */
  warningOf(target: Target, offsetMs: number | undefined): string | undefined {
    if (offsetMs === undefined) return undefined;
    const instance = instanceAddressOf(target);
    const off = Math.abs(offsetMs);
    if (off <= RIGHT_AGAIN_MS) this.#forget(instance);
    if (off <= CLOCK_TOLERANCE_MS || this.#told.has(instance)) return undefined;
    if (this.#told.size === MAX_TOLD) this.#told.clear();
    this.#told.set(instance, offsetMs);
    if (this.#crowdMs !== undefined && isAlike(offsetMs, this.#crowdMs)) return undefined;
    const distance = distanceOf(off);
    const side = offsetMs > 0 ? 'ahead of' : 'behind';
    const alike = [...this.#told.values()].filter((told) => isAlike(told, offsetMs)).length;
    if (alike <= CROWD) {
      return `${instance} has a clock ${distance} ${side} ours; our time is used instead: set its clock`;
    }
    this.#crowdMs = offsetMs;
    return `more instances, ${instance} among them, have clocks about ${distance} ${side} ours: is ours right?`;
  }

  #forget(instance: string): void {
    this.#told.delete(instance);
    if (this.#told.size === 0) this.#crowdMs = undefined;
  }
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['minutes', 60_000],
  ['hours', 3_600_000],
  ['days', 86_400_000],
  ['years', 365.25 * 86_400_000],
];

/** In the largest unit of which there are at least two: a board without a battery is 57 years behind, not 30 million minutes. */
function distanceOf(ms: number): string {
  const [name, unit] = UNITS.findLast(([, size]) => Math.round(ms / 60_000) >= (2 * size) / 60_000) ?? [
    'minutes',
    60_000,
  ];
  return `${Math.round(ms / unit)} ${name}`;
}

function isAlike(oneMs: number, otherMs: number): boolean {
  return Math.abs(oneMs - otherMs) <= ALIKE_MS;
}
