import type { SampleType } from '../profile/sample-type.ts';

/** The columns of Go's profiles that count since the process started. `objects` and `space` of other runtimes don't. */
const CUMULATIVE = new Set(['alloc_objects/count', 'alloc_space/bytes', 'contentions/count', 'delay/nanoseconds']);

/** Whether a column counts since the start of its process, judged by name and unit: for files that come without a config. */
export function isCumulativeType({ type, unit }: SampleType): boolean {
  return CUMULATIVE.has(`${type}/${unit}`);
}
