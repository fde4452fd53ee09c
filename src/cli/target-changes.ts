import type { Target } from '../targets/target.ts';

export interface TargetChange {
  readonly type: 'added' | 'removed' | 'changed';
  /** As it is now; for a removed one as it was. */
  readonly target: Target;
  /** As it was before it changed. */
  readonly before?: Target;
}

/**
 * What is between two states of a job's targets, removed ones first. A target's key holds its labels, so one that is gone and
 * one that is new with the same profile and URL are the same that has changed.
 */
export function targetChanges(before: readonly Target[], after: readonly Target[]): readonly TargetChange[] {
  const stayed = new Set(after.map(({ key }) => key));
  const known = new Set(before.map(({ key }) => key));
  const gone = new Map(before.filter(({ key }) => !stayed.has(key)).map((target) => [placeOf(target), target]));
  const changes: TargetChange[] = [];
  for (const target of after) {
    if (known.has(target.key)) continue;
    const earlier = gone.get(placeOf(target));
    gone.delete(placeOf(target));
    changes.push(earlier ? { type: 'changed', target, before: earlier } : { type: 'added', target });
  }
  const removed = [...gone.values()].map((target): TargetChange => ({ type: 'removed', target }));
  return [...removed, ...changes];
}

function placeOf({ profile, url }: Target): string {
  return `${profile.name} ${url}`;
}
