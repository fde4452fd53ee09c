import { HEALTHS, type Health } from './page/overview.ts';

/** What a page wants to see. */
export interface OverviewQuery {
  /** In lower case; a target has to have each of them somewhere. */
  readonly words: readonly string[];
  /** Empty: all. */
  readonly healths: ReadonlySet<Health>;
  /** Jobs whose targets the user has unfolded or folded; the others as space allows. */
  readonly open: ReadonlySet<string>;
  readonly closed: ReadonlySet<string>;
  /** Jobs of which more rows are wanted, and how often that was said. */
  readonly more: ReadonlyMap<string, number>;
  /** Jobs whose dropped targets are wanted. */
  readonly dropped: ReadonlySet<string>;
  /** Keys of targets of which everything is wanted. */
  readonly details: ReadonlySet<string>;
}

/** Reads `?filter=…&health=down&open=JOB&closed=JOB&more=JOB&dropped=JOB&details=KEY`, all but the filter repeatable. */
export function parseOverviewQuery(parameters: URLSearchParams): OverviewQuery {
  const set = (name: string) => new Set(parameters.getAll(name));
  const healths = set('health');
  const more = new Map<string, number>();
  for (const job of parameters.getAll('more')) more.set(job, (more.get(job) ?? 0) + 1);
  return {
    words: (parameters.get('filter') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    healths: new Set(HEALTHS.filter((health) => healths.has(health))),
    open: set('open'),
    closed: set('closed'),
    more,
    dropped: set('dropped'),
    details: set('details'),
  };
}
