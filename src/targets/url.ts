import type { ProfileConfig, QueryParams, ScrapeConfig } from '../config/scrape-config.ts';
import { ValueError } from '../config/value-error.ts';

/** A parameter that a label sets: it takes the place of the first value, further values stay. */
export interface ParamOverride {
  readonly key: string;
  readonly value: string;
}

/** The parameters of a profile before labels, lowest first: preset, job, `profiles.<name>.params`. */
export function configuredParams(job: ScrapeConfig, profile: ProfileConfig): QueryParams {
  const params = new Map(profile.params);
  for (const [key, values] of job.params) {
    if (!params.has(key) || profile.presetParams.has(key)) params.set(key, values);
  }
  return params;
}

export function overrideParams(params: QueryParams, overrides: readonly ParamOverride[]): QueryParams {
  if (overrides.length === 0) return params;
  const changed = new Map(params);
  for (const { key, value } of overrides) changed.set(key, [value, ...(changed.get(key) ?? []).slice(1)]);
  return changed;
}

/** Form-encoded as Go's `url.Values.Encode`: keys sorted, a repeated key for several values, `+` for a space. */
export function formatQuery(params: QueryParams): string {
  return [...params]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([key, values]) => values.map((value) => `${formEncode(key)}=${formEncode(value)}`))
    .join('&');
}

function formEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** With the prefix before it, one slash between the two. */
export function joinPath(prefix: string | undefined, path: string): string {
  if (prefix === undefined) return path;
  return `${prefix.replace(/(?<!\/)\/+$/, '')}/${path.replace(/^\/+/, '')}`;
}

/**
 * A path as it stands in a request: with a slash first and encoded, since what is configured is plain text. Throws a
 * `ValueError` where the user put a query into it.
 */
export function encodePath(path: string): string {
  const bad = /[?#]/.exec(path)?.[0];
  if (bad !== undefined) {
    throw new ValueError(
      `"${bad}" in path "${path}"`,
      'a path has no parameters: set profiles.<name>.params or the label __profile_<name>_param_<key>',
    );
  }
  return encodeURI(path.startsWith('/') ? path : `/${path}`);
}
