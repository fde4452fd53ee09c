/** A JSON object whose fields are not yet known to be what they should be. */
export type JsonMap = Readonly<Record<string, unknown>>;

/** Empty where the value is no object. */
export function mapOf(value: unknown): JsonMap {
  return isMap(value) ? value : {};
}

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Empty where the value is no list: Go's encoders write an empty list as null. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Empty where the value is no string. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** `true`, `false`, or empty where the value is neither. */
export function booleanText(value: unknown): string {
  return typeof value === 'boolean' ? String(value) : '';
}

export function textsOf(value: unknown): string[] {
  return listOf(value).map(textOf);
}

/** The entries with string values, sorted by key: where two keys become one label name, the last one wins every time. */
export function textMapOf(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(mapOf(value)).flatMap(([key, text]): [string, string][] =>
    typeof text === 'string' ? [[key, text]] : [],
  );
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
