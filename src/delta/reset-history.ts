import type { TrackedTarget } from './tracked-target.ts';

/** Two resets within this many scrapes are no restarts; this many without one end the suspicion. */
export const CALM_SCRAPES = 4;

type ResetHistory = Pick<TrackedTarget, 'sinceReset' | 'calmNeeded'>;

/**
 * What a snapshot adds to the history of resets. Several processes behind one address (a load balancer) look like a restart
 * at every change between them; emitting each would repeat the life of a process again and again. So after two resets
 * within four scrapes none is emitted until four scrapes in a row show none.
 */
export function afterSnapshot(before: TrackedTarget | undefined, isReset: boolean): ResetHistory {
  const sinceReset = before?.sinceReset ?? Number.POSITIVE_INFINITY;
  const calmNeeded = before?.calmNeeded ?? 0;
  if (!isReset) return { sinceReset: sinceReset + 1, calmNeeded: Math.max(0, calmNeeded - 1) };
  const isSuspicious = calmNeeded > 0 || sinceReset + 1 < CALM_SCRAPES;
  return { sinceReset: 0, calmNeeded: isSuspicious ? CALM_SCRAPES : 0 };
}
