const PATTERN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z$/;

/** RFC 3339 with nine digits, UTC: `2026-11-22T10:15:00.000000001Z`. */
export function formatNanos(nanos: bigint): string {
  const fraction = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = Number((nanos - fraction) / 1_000_000_000n);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`;
}

/** The reverse of `formatNanos`; undefined for anything that it does not write. */
export function parseNanos(text: string): bigint | undefined {
  const [, seconds, fraction] = PATTERN.exec(text) ?? [];
  if (seconds === undefined || fraction === undefined) return undefined;
  const ms = Date.parse(`${seconds}Z`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction);
}
