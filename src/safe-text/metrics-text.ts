import { escapeAsJson, replaceUnseen } from './unseen.ts';

/**
 * Metrics in Prometheus's text format, in which label values are any UTF-8: what is unseen in them shows as in a JSON string.
 * The format has an escape for a backslash, and none of that form, so each backslash is doubled.
 */
export function metricsText(exposition: string): string {
  return replaceUnseen(exposition, (character) =>
    character === '\n' ? character : escapeAsJson(character).replaceAll('\\', '\\\\'),
  );
}
