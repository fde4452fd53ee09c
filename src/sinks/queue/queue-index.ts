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
 * What a queue holds, in memory: names and sizes, never bodies. Knows the oldest entry of all, and which series is next:
 * the one with the oldest entry, so that what an earlier run left goes first.
 */
export class QueueIndex {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #series = new Map<string, Series>();
  /** Series that were ready when they were put there, as a heap by the order of their oldest entry then. */
  readonly #turns: Turn[] = [];
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
      pushTurn(this.#turns, { series: added, order: entry.order });
      return;
    }
    let at = series.entries.length;
    const first = series.state === 'sending' ? 1 : 0;
    while (at > first && (series.entries[at - 1]?.order ?? 0) > entry.order) at -= 1;
    series.entries.splice(at, 0, entry);
  }

  /** The oldest entry of the series whose turn it is; the series then counts as sending. */
  takeTurn(): { readonly series: Series; readonly entry: QueueEntry } | undefined {
    for (let turn = popTurn(this.#turns); turn !== undefined; turn = popTurn(this.#turns)) {
      const { series, order } = turn;
      const [entry] = series.entries;
      if (series.state !== 'ready' || entry === undefined) continue;
      if (entry.order > order) {
        pushTurn(this.#turns, { series, order: entry.order }); // what was oldest has fallen out
        continue;
      }
      series.state = 'sending';
      return { series, entry };
    }
    return undefined;
  }

  /** Puts a series that was sending or waiting back into the row. */
  makeReady(series: Series): void {
    series.cancelWait?.();
    series.cancelWait = undefined;
    const [oldest] = series.entries;
    if (oldest === undefined) {
      this.#series.delete(series.key);
      return;
    }
    series.state = 'ready';
    pushTurn(this.#turns, { series, order: oldest.order });
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

interface Turn {
  readonly series: Series;
  readonly order: number;
}

function pushTurn(heap: Turn[], turn: Turn): void {
  let at = heap.length;
  heap.push(turn);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || parent.order <= turn.order) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = turn;
}

function popTurn(heap: Turn[]): Turn | undefined {
  const [top] = heap;
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = heap[left + 1];
    let child = heap[left];
    if (child === undefined) break;
    let down = left;
    if (right !== undefined && right.order < child.order) {
      child = right;
      down = left + 1;
    }
    if (last.order <= child.order) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
  return top;
}
