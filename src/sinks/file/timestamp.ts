const NANOS_PER_MS = 1_000_000n;

/** RFC 3339 in UTC: milliseconds, or nine digits where there is more to tell. */
export function formatTimestamp(nanos: bigint): string {
  const below = belowMs(nanos);
  const text = new Date(Number((nanos - below) / NANOS_PER_MS)).toISOString();
  return below === 0n ? text : `${text.slice(0, -1)}${String(below).padStart(6, '0')}Z`;
}

/** Unix nanoseconds of what `formatTimestamp` writes; undefined for anything else. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{6})?Z$/.exec(text);
  if (!match) return undefined;
  const [, millis = '', below = '0'] = match;
  const ms = Date.parse(`${millis}Z`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NANOS_PER_MS + BigInt(below);
}

/** `20261122T101500.000Z`: sorts by time, and no file system minds a character of it. Rounded down to milliseconds. */
export function fileTimestamp(nanos: bigint): string {
  return formatTimestamp(nanos - belowMs(nanos)).replaceAll(/[-:]/g, '');
}

/** Never negative, also before 1970. */
function belowMs(nanos: bigint): bigint {
  return ((nanos % NANOS_PER_MS) + NANOS_PER_MS) % NANOS_PER_MS;
}
