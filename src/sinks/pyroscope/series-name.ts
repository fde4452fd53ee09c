import type { SampleType } from '../../profile/sample-type.ts';
import type { ColumnMeta } from '../queue/entry-meta.ts';

/** What the server takes where a request brings no `sample_type_config`. */
const BUILT_IN_DISPLAY_NAMES: ReadonlyMap<string, string> = new Map([
  ['samples', 'cpu'],
  ['goroutine', 'goroutines'],
  ['contentions', 'mutex_count'],
  ['delay', 'mutex_duration'],
]);

export interface SeriesName {
  /** `process_cpu`, `memory`, `mutex`, `block`, `goroutines` …: first part of the profile type. */
  readonly name: string;
  /** True where `/ingest` finds that name only with the help of a `sample_type_config`. */
  readonly needsConfig: boolean;
}

/**
 * The name under which `/ingest` files a profile. It guesses from the sample types; the push API takes what we say, so we
 * make the same guess and a switch of `api` goes on with the same series.
 */
export function seriesName(sampleTypes: readonly SampleType[], columns: ReadonlyMap<string, ColumnMeta>): SeriesName {
  const builtIn = guess(sampleTypes, (type) => BUILT_IN_DISPLAY_NAMES.get(type));
  const hasDisplayNames = sampleTypes.some(({ type }) => columns.get(type)?.displayName !== undefined);
  if (!hasDisplayNames) return { name: builtIn, needsConfig: false };
  const name = guess(sampleTypes, (type) => columns.get(type)?.displayName);
  return { name, needsConfig: name !== builtIn };
}

function guess(sampleTypes: readonly SampleType[], displayNameOf: (type: string) => string | undefined): string {
  if (sampleTypes.some(({ type }) => type === 'wall')) return 'wall';
  let shown = '';
  for (const { type } of sampleTypes) {
    shown = displayNameOf(type) ?? type;
    if (shown.includes('cpu')) return 'process_cpu';
    if (/alloc_|inuse_|^space$|^objects$/.test(shown)) return 'memory';
    if (shown.includes('mutex_')) return 'mutex';
    if (shown.includes('block_')) return 'block';
    if (shown.includes('goroutines')) return 'goroutines';
  }
  return shown;
}
