import { byName, type LabelSet } from '../labels/label-set.ts';
import { redactLabel } from '../safe-text/redact-url.ts';

/** Labels as they may be shown, sorted by name: secrets in URLs, and those that query parameters were given, are left out. */
export function shownLabels(labels: LabelSet): (readonly [name: string, value: string])[] {
  return [...labels].sort(byName).map(([name, value]) => [name, redactLabel(name, value)] as const);
}
