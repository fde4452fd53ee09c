/**
 * Labels of a target or profile. A map, never a plain object: `__proto__` is a legal label name. A label with an empty
 * value is the same as no label, so sets never hold one.
 */
export type LabelSet = ReadonlyMap<string, string>;

export const EMPTY_LABELS: LabelSet = new Map();

export const ADDRESS_LABEL = '__address__';
export const SCHEME_LABEL = '__scheme__';
export const PORT_LABEL = '__port__';
/** Application name: the only label with the `__` prefix that is part of a profile's public labels. */
export const NAME_LABEL = '__name__';
export const SPY_NAME_LABEL = '__spy_name__';
export const SCRAPE_INTERVAL_LABEL = '__scrape_interval__';
export const SCRAPE_TIMEOUT_LABEL = '__scrape_timeout__';
export const METRICS_PATH_LABEL = '__metrics_path__';
export const META_PREFIX = '__meta_';
export const PARAM_PREFIX = '__param_';
export const PROFILE_PREFIX = '__profile_';
/** The path of all profiles of a target, and what goes before each path: Parca's and Alloy's labels. */
export const PROFILE_PATH_LABEL = '__profile_path__';
export const PROFILE_PATH_PREFIX_LABEL = '__profile_path_prefix__';
export const META_FILEPATH_LABEL = '__meta_filepath';
export const META_URL_LABEL = '__meta_url';
export const JOB_LABEL = 'job';
export const INSTANCE_LABEL = 'instance';
export const SERVICE_NAME_LABEL = 'service_name';

/** Pyroscope's rule for label names; Prometheus's UTF-8 names are refused because a Pyroscope server refuses them. */
export function isLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

/** Drops labels with empty values. */
export function withoutEmpty(labels: Iterable<readonly [string, string]>): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [name, value] of labels) if (value !== '') kept.set(name, value);
  return kept;
}

/** Compares by UTF-16 code unit, which for label names (ASCII) is byte order. */
export function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

/** `{__name__="app", env="dev"}`: the field's way to print a label set, names in byte order. */
export function formatLabels(labels: LabelSet): string {
  const parts = [...labels].sort(byName).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{${parts.join(', ')}}`;
}
