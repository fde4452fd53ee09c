import { redactUrl } from '../http/redact-url.ts';
import { byName, type LabelSet, PARAM_PREFIX } from '../labels/label-set.ts';

/** Labels as they may be shown, sorted by name: what a query parameter that holds a secret was given is left out. */
export function shownLabels(labels: LabelSet): (readonly [name: string, value: string])[] {
  return [...labels].sort(byName).map(([name, value]) => [name, shownValue(name, value)] as const);
}

/** One of them. */
export function shownValue(name: string, value: string): string {
  if (!name.startsWith(PARAM_PREFIX)) return value.includes('://') ? redactUrl(value) : value;
  const before = `?${name.slice(PARAM_PREFIX.length)}=`;
  return redactUrl(before + value).slice(before.length);
}
