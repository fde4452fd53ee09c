import { watch } from 'node:fs';
import type { WaitDeps } from '../wait.ts';

/** Tells of events in a directory until it is closed. May throw, and may miss events. */
export type WatchDirectory = (directory: string, onEvent: () => void) => { close(): void };

/** Quiet time after the last event: a writer is then most likely done. */
const QUIET_MS = 250;
/** An answer in the end, even where the directory is never quiet. */
const MAX_WAIT_MS = 2_000;

/**
 * Waits for something to happen in a set of directories. Watching is only the fast way: network mounts tell nothing, and
 * a directory may not be there yet, so every wait ends with a time limit too and all errors are taken in silence.
 */
export class DirectoryWatcher {
  readonly #deps: WaitDeps;
  readonly #watchDirectory: WatchDirectory;
  #watchers: { close(): void }[] = [];
  #lastEventMs: number | undefined;
  #wake: () => void = () => {};

  constructor(deps: WaitDeps, watchDirectory: WatchDirectory = watchWithNode) {
    this.#deps = deps;
    this.#watchDirectory = watchDirectory;
  }

  /**
   * Watches these and only these. To be called again from time to time: a directory may be new, or another one under
   * the old name, of which the old watch tells nothing.
   */
  watch(directories: Iterable<string>): void {
    this.close();
    for (const directory of directories) {
      try {
        this.#watchers.push(this.#watchDirectory(directory, () => this.#onEvent()));
      } catch {
        // Not there, or not watchable: the time limit of each wait serves it.
      }
    }
  }

  /** True after an event and a quiet moment, false after the time limit or when the signal aborts. */
  async next(limitMs: number, signal: AbortSignal): Promise<boolean> {
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (this.#lastEventMs === undefined && !signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, this.#deps.sleep(limitMs, abort.signal)]);
      abort.abort();
    }
    signal.removeEventListener('abort', stop);
    if (this.#lastEventMs === undefined || signal.aborted) return false;
    const startMs = this.#deps.now();
    for (;;) {
      const now = this.#deps.now();
      const waitMs = Math.min(this.#lastEventMs + QUIET_MS, startMs + MAX_WAIT_MS) - now;
      if (waitMs <= 0 || signal.aborted) break;
      await this.#deps.sleep(waitMs, signal);
    }
    this.#lastEventMs = undefined;
    return !signal.aborted;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #onEvent(): void {
    this.#lastEventMs = this.#deps.now();
    this.#wake();
  }
}

function watchWithNode(directory: string, onEvent: () => void): { close(): void } {
  const watcher = watch(directory === '' ? '.' : directory, onEvent);
  watcher.on('error', onEvent);
  return watcher;
}
