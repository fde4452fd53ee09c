/** One profile in a queue: what is kept in memory. Body and labels stay on disk. */
export interface QueueEntry {
  /** File names are `<name>.pb.gz` and `<name>.json`. */
  readonly name: string;
  /** Microseconds since 1970 when it was queued; unique, so that names sort in the order written. */
  readonly order: number;
  readonly series: string;
  /** Of both files together. */
  readonly bytes: number;
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{6})Z-([0-9a-f]{16})$/;

/** `20261122T101500.123456Z-0f1e2d3c4b5a6978`: when it was queued, and which series it is of. */
export function entryName(order: number, series: string): string {
  const iso = new Date(Math.floor(order / 1000)).toISOString();
  const micros = String(order % 1_000_000).padStart(6, '0');
  return `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}.${micros}Z-${series}`;
}

/**
 * Order and series out of a name. A file that a person named otherwise is a series of its own, as old as `fallbackMs`
 * (Unix milliseconds) says.
 */
export function parseEntryName(name: string, fallbackMs: number): Pick<QueueEntry, 'order' | 'series'> {
  const [, year, month, day, hour, minute, second, micros, series] = NAME.exec(name) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (series === undefined || Number.isNaN(ms)) return { order: Math.floor(fallbackMs) * 1000, series: name };
  return { order: ms * 1000 + Number(micros), series };
}
