import {
  closeSync,
  fdatasync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFile,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DirectoryLock, lockDirectory } from '../../directory-lock.ts';
import { errnoOf, StateError } from '../../errors.ts';
import { type EntryMeta, formatMeta, parseMeta, seriesOf } from './entry-meta.ts';
import { entryName, parseEntryName, type QueueEntry } from './entry-name.ts';
import { GroupCommit } from './group-commit.ts';

const BODY = '.pb.gz';
const META = '.json';
/** A writing that was not finished, or a removal: `.<name>.json.tmp`. */
const UNFINISHED = /^\.(.+)\.json\.tmp$/;
/** A description that was being rewritten: `.<name>.json.new`. */
const REWRITTEN = /^\..+\.json\.new$/;
/** A small file is read sooner than a thread of the pool is woken. */
const SMALL_BYTES = 64 * 1024;
/** Copying so much into the page cache would hold up the scrapes. */
const LARGE_BYTES = 256 * 1024;
const syncData = promisify(fdatasync);
const writeAll = promisify<number, Uint8Array | string, void>(writeFile);
export const REJECTED_DIR = 'rejected';
export const CORRUPT_DIR = 'corrupt';

export interface QueueDirectoryOptions {
  /** Milliseconds between syncs, or before each entry counts as written. */
  readonly sync: number | 'always';
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A sync that failed: what was queued last may not survive a power cut. */
  readonly onSyncError: (error: unknown) => void;
}

/** What lies in a queue when it is opened, oldest first. */
export interface QueueContents {
  readonly entries: readonly QueueEntry[];
  readonly rejected: readonly QueueEntry[];
  /** Bytes of what was set aside as corrupt. */
  readonly corruptBytes: number;
  /** Names that had a body and no description: set aside. */
  readonly orphans: readonly string[];
}

/** Rejected by `read`: the entry's files don't fit together or can't be understood. */
export class CorruptEntryError extends Error {}

/**
 * The files of one remote's queue. An entry is `<name>.pb.gz`, a plain profile, and `<name>.json`; the JSON appears last
 * and by renaming, and goes last, so that a kill at any moment leaves an entry whole, or visibly unfinished:
 *
 * - writing:  `.<name>.json.tmp`, `<name>.pb.gz`, then the rename to `<name>.json`
 * - removing: `<name>.pb.gz`, then `<name>.json`; a description without a body is a removal that was cut short
 *
 * Files are written, renamed and removed synchronously, which takes the page cache a fraction of what the thread pool
 * takes; what waits for the disk or is large is left to the pool.
 */
export class QueueDirectory {
  readonly path: string;
  readonly #lock: DirectoryLock;
  readonly #commit: GroupCommit;
  readonly #now: () => number;
  #lastOrder = 0;

  private constructor(path: string, lock: DirectoryLock, options: QueueDirectoryOptions) {
    this.path = path;
    this.#lock = lock;
    this.#now = options.now;
    this.#commit = new GroupCommit(path, options.sync, options.onSyncError);
  }

  /** Rejects with a StateError where another process has it or it can't be used. */
  static async open(
    path: string,
    options: QueueDirectoryOptions,
  ): Promise<{ readonly queue: QueueDirectory; readonly contents: QueueContents }> {
    const lock = await lockDirectory(path, {
      what: 'queue',
      isParentPrivate: true,
      hint: 'wait until it has ended, or give this one a queue.dir of its own',
    });
    try {
      const queue = new QueueDirectory(path, lock, options);
      return { queue, contents: await queue.#scan() };
    } catch (error) {
      await lock.release();
      throw new StateError('QUEUE_DIR', `cannot read the queue ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  async #scan(): Promise<QueueContents> {
    for (const dir of [REJECTED_DIR, CORRUPT_DIR]) {
      await mkdir(join(this.path, dir), { recursive: true, mode: 0o700 });
    }
    await this.#clearUnfinished();
    const { entries, bare } = await listEntries(this.path);
    const orphans: string[] = [];
    for (const { name, part } of bare) {
      if (part === META) this.#unlink(join(this.path, name + META));
      else {
        this.#move(name + BODY, CORRUPT_DIR);
        orphans.push(name);
      }
    }
    const rejected = await listEntries(join(this.path, REJECTED_DIR));
    for (const { name, part } of rejected.bare) {
      if (part === META) this.#unlink(join(this.path, REJECTED_DIR, name + META));
    }
    const corruptBytes = await totalBytes(join(this.path, CORRUPT_DIR));
    for (const { order } of [...entries, ...rejected.entries]) this.#lastOrder = Math.max(this.#lastOrder, order);
    return { entries, rejected: rejected.entries, corruptBytes, orphans };
  }

  async #clearUnfinished(): Promise<void> {
    const names = new Set(await readdir(this.path));
    for (const file of names) {
      if (REWRITTEN.test(file)) this.#unlink(join(this.path, file));
      const name = UNFINISHED.exec(file)?.[1];
      if (name === undefined) continue;
      if (!names.has(name + META)) this.#unlink(join(this.path, name + BODY));
      this.#unlink(join(this.path, file));
    }
  }

  /** Resolves when the entry is on disk, as far as `sync` asks for it. */
  async put(meta: EntryMeta, body: Uint8Array): Promise<QueueEntry> {
    const series = seriesOf(meta.profile, meta.labels);
    this.#lastOrder = Math.max(this.#now() * 1000, this.#lastOrder + 1);
    const order = this.#lastOrder;
    const name = entryName(order, series);
    const text = formatMeta(meta);
    const unfinished = this.#unfinished(name);
    // Side by side: with `sync: always` the two wait for the disk at the same time.
    const writing = await Promise.allSettled([
      this.#write(unfinished, text),
      this.#write(join(this.path, name + BODY), body),
    ]);
    try {
      for (const one of writing) if (one.status === 'rejected') throw one.reason;
      renameSync(unfinished, join(this.path, name + META));
    } catch (error) {
      for (const path of [join(this.path, name + BODY), unfinished]) {
        try {
          unlinkSync(path);
        } catch {} // what could not be written can perhaps not be removed
      }
      throw error;
    }
    await this.#commit.added(name, [join(this.path, name + BODY), join(this.path, name + META)]);
    return { name, order, series, bytes: body.length + Buffer.byteLength(text) };
  }

  #unfinished(name: string): string {
    return join(this.path, `.${name}${META}.tmp`);
  }

  /** Undefined where the entry is gone because a person took it. Rejects with CorruptEntryError. */
  async read(
    entry: QueueEntry,
    dir = '',
  ): Promise<{ readonly meta: EntryMeta; readonly body: Uint8Array } | undefined> {
    const text = readSmall(join(this.path, dir, entry.name + META));
    const bodyPath = join(this.path, dir, entry.name + BODY);
    const body = entry.bytes > SMALL_BYTES ? await readLarge(bodyPath) : readSmall(bodyPath);
    if (text === undefined || body === undefined) {
      if (text !== undefined) this.#unlink(join(this.path, dir, entry.name + META));
      return undefined;
    }
    let meta: EntryMeta;
    try {
      meta = parseMeta(text.toString('utf8'));
    } catch (error) {
      throw new CorruptEntryError(`${entry.name}${META}: ${messageOf(error)}`);
    }
    if (meta.bytes !== body.length) {
      throw new CorruptEntryError(`${entry.name}${BODY} has ${body.length} bytes instead of ${meta.bytes}`);
    }
    return { meta, body };
  }

  /** Notes what the server said, so that bounds hold across runs. */
  async update(entry: QueueEntry, meta: EntryMeta): Promise<void> {
    const rewritten = join(this.path, `.${entry.name}${META}.new`);
    await this.#write(rewritten, formatMeta(meta));
    renameSync(rewritten, join(this.path, entry.name + META));
  }

  remove(entry: QueueEntry, dir = ''): void {
    this.#unlink(join(this.path, dir, entry.name + BODY));
    this.#unlink(join(this.path, dir, entry.name + META));
    this.#commit.removed(entry.name);
  }

  /** Moves an entry to `rejected/`, with the reason in its description. */
  async reject(entry: QueueEntry, meta: EntryMeta): Promise<QueueEntry> {
    const text = formatMeta(meta);
    await this.#write(join(this.path, REJECTED_DIR, entry.name + META), text);
    this.#move(entry.name + BODY, REJECTED_DIR);
    this.#unlink(join(this.path, entry.name + META));
    this.#commit.removed(entry.name);
    return { ...entry, bytes: meta.bytes + Buffer.byteLength(text) };
  }

  /** Out of the way, for a person to look at. */
  setAside(entry: QueueEntry): void {
    this.#move(entry.name + META, CORRUPT_DIR);
    this.#move(entry.name + BODY, CORRUPT_DIR);
    this.#commit.removed(entry.name);
  }

  /** Appends a line to a file of the queue and waits until it is written. */
  append(file: string, line: string): void {
    const fd = openSync(join(this.path, file), 'a', 0o600);
    try {
      writeSync(fd, `${line}\n`);
    } finally {
      closeSync(fd);
    }
  }

  /** The lines of a file that `append` wrote. */
  async lines(file: string): Promise<readonly string[]> {
    const text = await readLarge(join(this.path, file));
    return text === undefined
      ? []
      : text
          .toString('utf8')
          .split('\n')
          .filter((line) => line !== '');
  }

  /** Syncs what is left to sync and gives up the lock. */
  async close(): Promise<void> {
    try {
      await this.#commit.close();
    } finally {
      await this.#lock.release();
    }
  }

  async #write(path: string, content: Uint8Array | string): Promise<void> {
    const fd = openSync(path, 'w', 0o600);
    try {
      if (content.length > LARGE_BYTES) await writeAll(fd, content);
      else writeFileSync(fd, content);
      if (this.#commit.isImmediate) await syncData(fd);
    } finally {
      closeSync(fd);
    }
  }

  #move(file: string, dir: string): void {
    ignoreMissing(() => renameSync(join(this.path, file), join(this.path, dir, file)));
  }

  #unlink(path: string): void {
    ignoreMissing(() => unlinkSync(path));
  }
}

interface Listing {
  readonly entries: readonly QueueEntry[];
  /** Names of which only one of the two files is there. */
  readonly bare: readonly { readonly name: string; readonly part: typeof BODY | typeof META }[];
}

async function listEntries(dir: string): Promise<Listing> {
  const files = new Set(await readdir(dir));
  const bare: { name: string; part: typeof BODY | typeof META }[] = [];
  const entries: QueueEntry[] = [];
  for (const file of files) {
    if (file.startsWith('.')) continue;
    if (file.endsWith(BODY)) {
      const name = file.slice(0, -BODY.length);
      if (!files.has(name + META)) bare.push({ name, part: BODY });
      else {
        const [body, meta] = [await stat(join(dir, file)), await stat(join(dir, name + META))];
        entries.push({ name, ...parseEntryName(name, body.mtimeMs), bytes: body.size + meta.size });
      }
    } else if (file.endsWith(META) && !files.has(file.slice(0, -META.length) + BODY)) {
      bare.push({ name: file.slice(0, -META.length), part: META });
    }
  }
  entries.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  return { entries, bare };
}

async function totalBytes(dir: string): Promise<number> {
  let bytes = 0;
  for (const file of await readdir(dir)) bytes += (await stat(join(dir, file))).size;
  return bytes;
}

async function readLarge(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function readSmall(path: string): Buffer | undefined {
  return ignoreMissing(() => readFileSync(path));
}

function ignoreMissing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
