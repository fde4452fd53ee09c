import type { QueueEntry } from './entry-name.ts';

/** The waiting profiles of one series, oldest first. At most one of them is on its way at a time. */
export interface Series {
  readonly key: string;
  readonly entries: QueueEntry[];
  state: 'ready' | 'sending' | 'waiting';
  /** Attempts in a row that failed for its oldest entry. */
  failures: number;
  /** Ends the wait before its next attempt. */
  cancelWait: (() => void) | undefined;
}

/**
 * What a queue holds, in memory: names and sizes, never bodies. Knows the oldest entry of all, and which series is next.
 * Series take turns, so that one with a long backlog doesn't hold up the others.
 */
export class QueueIndex {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #series = new Map<string, Series>();
  /** Series in the order of their turns; one that is no longer ready is skipped. */
  #turns: Series[] = [];
  #next = 0;
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Expects entries in the order written, but mends small disorder within a series. */
  add(entry: QueueEntry): void {
    this.#entries.set(entry.name, entry);
    this.#bytes += entry.bytes;
    const series = this.#series.get(entry.series);
    if (series === undefined) {
      const added: Series = { key: entry.series, entries: [entry], state: 'ready', failures: 0, cancelWait: undefined };
      this.#series.set(entry.series, added);
      this.#turns.push(added);
      return;
    }
    let at = series.entries.length;
    const first = series.state === 'sending' ? 1 : 0;
    while (at > first && (series.entries[at - 1]?.order ?? 0) > entry.order) at -= 1;
    series.entries.splice(at, 0, entry);
  }

  /** The oldest entry of the series whose turn it is; the series then counts as sending. */
  takeTurn(): { readonly series: Series; readonly entry: QueueEntry } | undefined {
    while (this.#next < this.#turns.length) {
      const series = this.#turns[this.#next++];
      const entry = series?.entries[0];
      if (series?.state !== 'ready' || entry === undefined) continue;
      series.state = 'sending';
      if (this.#next > 1024) {
        this.#turns = this.#turns.slice(this.#next);
        this.#next = 0;
      }
      return { series, entry };
    }
    this.#turns = [];
    this.#next = 0;
    return undefined;
  }

  /** Puts a series that was sending or waiting back into the row. */
  makeReady(series: Series): void {
    series.cancelWait?.();
    series.cancelWait = undefined;
    if (series.entries.length === 0) {
      this.#series.delete(series.key);
      return;
    }
    series.state = 'ready';
    this.#turns.push(series);
  }

  /** Every series that waits out a failure. */
  waiting(): Series[] {
    return [...this.#series.values()].filter((series) => series.state === 'waiting');
  }

  remove(entry: QueueEntry): void {
    if (!this.#entries.delete(entry.name)) return;
    this.#bytes -= entry.bytes;
    const series = this.#series.get(entry.series);
    if (series === undefined) return;
    if (series.entries[0] === entry) series.failures = 0;
    series.entries.splice(series.entries.indexOf(entry), 1);
    if (series.entries.length === 0 && series.state !== 'sending') {
      series.cancelWait?.();
      this.#series.delete(entry.series);
    }
  }

  /** The oldest entry that is not on its way. */
  oldest(): QueueEntry | undefined {
    for (const entry of this.#entries.values()) {
      const series = this.#series.get(entry.series);
      if (series?.state !== 'sending' || series.entries[0] !== entry) return entry;
    }
    return undefined;
  }
}
