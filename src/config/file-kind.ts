import { canonicalKey, TreeList, TreeMap } from './document/tree.ts';
import { PARCA_KEYS, PHLARE_KEYS } from './schema/server-keys.ts';

/**
 * The system that a file was written for, by its shape. `pyroscope` is its pull mode (0.x) and our own files; `phlare` is
 * Pyroscope 1.x, too. A file with no sign but `scrape_configs` is Prometheus's.
 */
export type FileKind = 'pyroscope' | 'prometheus' | 'parca' | 'phlare' | 'conprof';

/** Profiles that conprof has under these names, and Parca does not. */
const CONPROF_PROFILES: ReadonlySet<string> = new Set([
  'allocs',
  'cmdline',
  'heap',
  'profile',
  'threadcreate',
  'trace',
]);

/** Parca's own names for what conprof calls `allocs` or `heap`, and `profile`. */
const PARCA_PROFILES: ReadonlySet<string> = new Set(['memory', 'process_cpu']);

/** What a mapping with `scrape-configs` was written for. */
export function fileKindOf(root: TreeMap): FileKind {
  const keys = root.entries.map(({ key }) => canonicalKey(key.text));
  if (keys.some((key) => PARCA_KEYS.has(key))) return 'parca';
  const jobs = root.entry('scrape-configs');
  if (jobs === undefined || jobs.key.text !== 'scrape_configs') return 'pyroscope';
  if (keys.some((key) => PHLARE_KEYS.has(key))) return 'phlare';
  const named = profilesNamedIn(jobs.value);
  if (named === undefined) return 'prometheus';
  const isConprof = named.some((name) => CONPROF_PROFILES.has(name)) && !named.some((name) => PARCA_PROFILES.has(name));
  return isConprof ? 'conprof' : 'parca';
}

/** The keys under `profiling_config.pprof_config` of all jobs; undefined where no job has a `profiling_config`. */
function profilesNamedIn(jobs: unknown): readonly string[] | undefined {
  if (!(jobs instanceof TreeList)) return undefined;
  let names: string[] | undefined;
  for (const job of jobs.items) {
    const profiling = job instanceof TreeMap ? job.entry('profiling-config')?.value : undefined;
    if (profiling === undefined) continue;
    names ??= [];
    const pprof = profiling instanceof TreeMap ? profiling.entry('pprof-config')?.value : undefined;
    if (pprof instanceof TreeMap) names.push(...pprof.entries.map(({ key }) => key.text));
  }
  return names;
}
