import type { Problem } from '../errors.ts';

/** With its excerpt a problem takes three lines: so a screen or two hold them all. */
const MAX_SHOWN = 15;

export interface ShownProblems {
  readonly shown: readonly Problem[];
  /** A sentence for those that are not shown; undefined where all are. */
  readonly more: string | undefined;
}

/** The first problems of a list, for a person. `check --json` prints all. */
export function shownProblems(problems: readonly Problem[], noun: 'problem' | 'warning'): ShownProblems {
  const left = problems.length - MAX_SHOWN;
  if (left <= 0) return { shown: problems, more: undefined };
  return {
    shown: problems.slice(0, MAX_SHOWN),
    more: `and ${left} more ${noun}${left === 1 ? '' : 's'}: pyro-pull check --json prints all`,
  };
}
