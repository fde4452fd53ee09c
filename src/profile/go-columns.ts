import type { SampleType } from './sample-type.ts';

interface GoColumn {
  readonly unit: string;
  readonly period: SampleType;
}

const SPACE: SampleType = { type: 'space', unit: 'bytes' };
const CONTENTIONS: SampleType = { type: 'contentions', unit: 'count' };

/**
 * The columns of Go's snapshot profiles that count since the process started, with the period type that Go writes beside
 * them: runtime/pprof/protomem.go and runtime/pprof/pprof.go of the Go standard library. `objects` and `space` of other
 * runtimes do not count up.
 */
const CUMULATIVE: ReadonlyMap<string, GoColumn> = new Map([
  ['alloc_objects', { unit: 'count', period: SPACE }],
  ['alloc_space', { unit: 'bytes', period: SPACE }],
  ['contentions', { unit: 'count', period: CONTENTIONS }],
  ['delay', { unit: 'nanoseconds', period: CONTENTIONS }],
]);

/** The columns of Go's snapshot profiles that hold what there is now. */
const INSTANTANEOUS: ReadonlyMap<string, string> = new Map([
  ['inuse_objects', 'count'],
  ['inuse_space', 'bytes'],
  ['goroutine', 'count'],
  ['threadcreate', 'count'],
  ['goroutineleak', 'count'],
]);

/** The cumulative columns of each endpoint of net/http/pprof that has any, by the last part of its path. */
const OF_ENDPOINT: ReadonlyMap<string, readonly string[]> = new Map([
  ['heap', ['alloc_objects', 'alloc_space']],
  ['allocs', ['alloc_objects', 'alloc_space']],
  ['mutex', ['contentions', 'delay']],
  ['block', ['contentions', 'delay']],
]);

/** Whether Go gives this name and unit to a column that counts since the process started. */
export function isCumulativeType({ type, unit }: SampleType): boolean {
  return CUMULATIVE.get(type)?.unit === unit;
}

/** The same by name alone, for a column whose unit is not known yet. */
export function isCumulativeName(type: string): boolean {
  return CUMULATIVE.has(type);
}

/** Whether Go gives this name and unit to a column of one of its snapshot profiles. */
export function isSnapshotType(sampleType: SampleType): boolean {
  return isCumulativeType(sampleType) || INSTANTANEOUS.get(sampleType.type) === sampleType.unit;
}

/**
 * Whether the period type of a profile says that its column was not written by Go's runtime. Node 26 counts `alloc_space`
 * from its last answer on and says so by the period type `alloc_space/bytes`; profiles made of JFR recordings have
 * `contentions` with `mutex/count`. A profile without a period type says nothing.
 */
export function hasForeignPeriod(periodType: SampleType | undefined, { type }: SampleType): boolean {
  const expected = CUMULATIVE.get(type)?.period;
  if (expected === undefined || periodType === undefined || periodType.type === '') return false;
  return periodType.type !== expected.type || periodType.unit !== expected.unit;
}

/** The columns that count since the process started at this path of net/http/pprof; none for any other path. */
export function cumulativeNamesAt(path: string): readonly string[] {
  return OF_ENDPOINT.get(path.slice(path.lastIndexOf('/') + 1)) ?? [];
}
