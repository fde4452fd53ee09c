import type { TargetGroup } from './target-group.ts';

/** The last good state of a source. */
export interface LastGood {
  /** Undefined where the source has never been good. */
  readonly groups: readonly TargetGroup[] | undefined;
  /** Unix milliseconds of when the groups were read. */
  readonly goodAtMs: number;
}

/** The end of a message about a source that fails. `what` is what it should have given: `answer`, or a file's `version`. */
export function whatIsKept({ groups, goodAtMs }: LastGood, what: 'answer' | 'version'): string {
  if (groups === undefined) return `there has been no good ${what}, so it gives no instances`;
  const count = groups.reduce((sum, group) => sum + group.targets.length, 0);
  const time = new Date(goodAtMs).toTimeString().slice(0, 8);
  return `keeping ${count} instance${count === 1 ? '' : 's'} from the last good ${what} of ${time}`;
}
