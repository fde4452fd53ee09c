import { open } from 'node:fs/promises';
import { errnoOf } from '../../errors.ts';

/** Files synced at once; more would leave no thread of the pool to the rest of the program. */
const CONCURRENCY = 2;

/**
 * Decides when the files of a queue are forced to disk. A killed process loses nothing that was written, so this is
 * about power cuts alone: with an interval, all that came since the last commit is synced together, and what was
 * delivered before the tick never costs a sync; with `always` each entry waits for its own.
 */
export class GroupCommit {
  readonly isImmediate: boolean;
  readonly #dir: string;
  readonly #intervalMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<string, readonly string[]>();
  #isDirty = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  /** The next sync of the directory, which all entries that wait now share. */
  #nextDirectorySync: Promise<void> | undefined;

  constructor(dir: string, sync: number | 'always', onError: (error: unknown) => void) {
    this.#dir = dir;
    this.isImmediate = sync === 'always';
    this.#intervalMs = sync === 'always' ? 0 : sync;
    this.#onError = onError;
  }

  /** The files of an entry are written (and synced, with `always`). Resolves when it counts as kept. */
  async added(name: string, files: readonly string[]): Promise<void> {
    if (this.isImmediate) return this.#shareDirectorySync();
    this.#pending.set(name, files);
    this.#arm();
  }

  /** A removal that a power cut undoes would mean to send twice; the directory is synced with the next commit. */
  removed(name: string): void {
    this.#pending.delete(name);
    this.#isDirty = true;
    this.#arm();
  }

  /** Commits what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#commit();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#commit().catch(this.#onError);
    }, this.#intervalMs);
    this.#timer.unref();
  }

  #commit(): Promise<void> {
    const run = this.#running.then(() => this.#syncPending());
    this.#running = run.catch(() => {});
    return run;
  }

  async #syncPending(): Promise<void> {
    if (this.#pending.size === 0 && !this.#isDirty) return;
    const names = [...this.#pending];
    this.#isDirty = false;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        for (let next = names.pop(); next !== undefined; next = names.pop()) {
          const [name, files] = next;
          if (!this.#pending.delete(name)) continue; // delivered meanwhile
          for (const file of files) await syncFile(file);
        }
      }),
    );
    await syncDirectory(this.#dir);
  }

  #shareDirectorySync(): Promise<void> {
    if (this.#nextDirectorySync !== undefined) return this.#nextDirectorySync;
    // Entries that come while a sync runs can't rely on it: they share the one after it.
    const sync = this.#running.then(() => {
      this.#nextDirectorySync = undefined;
      return syncDirectory(this.#dir);
    });
    this.#nextDirectorySync = sync;
    this.#running = sync.catch(() => {});
    return sync;
  }
}

async function syncFile(path: string): Promise<void> {
  try {
    await sync(path, 'data');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error; // delivered meanwhile
  }
}

async function syncDirectory(path: string): Promise<void> {
  try {
    await sync(path, 'all');
  } catch (error) {
    // Gone with all that was in it; or Windows, which opens no directories; or a network file system that syncs none.
    if (!['ENOENT', 'EPERM', 'EACCES', 'EISDIR', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function sync(path: string, what: 'data' | 'all'): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await (what === 'data' ? handle.datasync() : handle.sync());
  } finally {
    await handle.close();
  }
}
