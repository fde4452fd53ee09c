import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../errors.ts';
import { INDEX_FILE, type IndexEntry, parseIndexLine } from './index-entry.ts';
import { syncFile } from './index-writer.ts';
import { readLines } from './read-lines.ts';
import { removeIfThere, writeTemporary } from './write-file.ts';

/** What to keep; 0 is no limit. */
export interface RetentionLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export interface Pruned {
  readonly files: number;
  readonly bytes: number;
  /** Files that could not be removed; they stay in the index. */
  readonly failed: number;
}

const NOTHING: Pruned = { files: 0, bytes: 0, failed: 0 };
/** Once over a limit, more than that is removed, so that the index is not written anew for every file. */
const SLACK = 0.02;
const MIN_SLACK_MS = 60_000;
/** So many files are removed before others get their turn. */
const FILES_AT_ONCE = 100;
/** Another process that has the old index open finds the new one before its next line, or has written that by then. */
const LATE_LINES_MS = 1_000;
const WRITE_BYTES = 256 * 1024;
const OUR_NAME = /^\d{8}T\d{6}\.\d{3}Z(-[0-9a-f]{8}(-\d+)?)?\.(?:pb|txt)\.gz$/;

/**
 * Removes the oldest files of a directory that `scrape` wrote. Only what the index names and what is there as the index
 * says is removed. A file goes before its line does: after a crash in between the line goes the next time.
 */
export class Retention {
  readonly #dir: string;
  readonly #path: string;
  readonly #now: () => number;
  /** Of the index, as far as it was read: which file, how much of it, and what that names. */
  #inode = 0;
  #offset = 0;
  #bytes = 0;
  #oldestMs = Number.POSITIVE_INFINITY;

  /** `now` gives Unix milliseconds. */
  constructor(dir: string, now: () => number = Date.now) {
    this.#dir = dir;
    this.#path = join(dir, INDEX_FILE);
    this.#now = now;
  }

  /** Looks at what was written since the last call, and prunes where that is too much. Rejects with the system's error. */
  async run(limits: RetentionLimits): Promise<Pruned> {
    if (!(await this.#readNewLines())) return NOTHING;
    const slackMs = Math.max(MIN_SLACK_MS, limits.maxAgeMs * SLACK);
    const isTooOld = limits.maxAgeMs > 0 && this.#oldestMs < this.#now() - limits.maxAgeMs - slackMs;
    const isTooMuch = limits.maxBytes > 0 && this.#bytes > limits.maxBytes;
    return isTooOld || isTooMuch ? this.#prune(limits) : NOTHING;
  }

  /** False where there is no index. */
  async #readNewLines(): Promise<boolean> {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    if (!stats) return false;
    if (stats.ino !== this.#inode || stats.size < this.#offset) this.#forget(stats.ino);
    const end = stats.size;
    for await (const line of readLines(this.#path, { start: this.#offset, end })) this.#count(parseIndexLine(line));
    this.#offset = end;
    return true;
  }

  #forget(inode: number): void {
    this.#inode = inode;
    this.#offset = 0;
    this.#bytes = 0;
    this.#oldestMs = Number.POSITIVE_INFINITY;
  }

  #count(entry: IndexEntry | undefined): void {
    if (!entry) return;
    this.#bytes += entry.bytes;
    this.#oldestMs = Math.min(this.#oldestMs, untilMs(entry));
  }

  async #prune({ maxAgeMs, maxBytes }: RetentionLimits): Promise<Pruned> {
    const old = openSync(this.#path, constants.O_RDONLY);
    const fresh = writeTemporary(this.#dir, new Uint8Array());
    try {
      const { ino, size } = fstatSync(old);
      if (ino !== this.#inode) return NOTHING;
      const oldestMs = maxAgeMs > 0 ? this.#now() - maxAgeMs : Number.NEGATIVE_INFINITY;
      let excess = maxBytes > 0 && this.#bytes > maxBytes ? this.#bytes - maxBytes * (1 - SLACK) : 0;
      const pruned = { files: 0, bytes: 0, failed: 0 };
      const directories = new Set<string>();
      const kept = new LineBuffer(fresh.fd);
      this.#forget(0);
      const end = wholeLines(old, size);
      for await (const line of readLines(this.#path, { end })) {
        const entry = parseIndexLine(line);
        if (entry && (excess > 0 || untilMs(entry) < oldestMs)) {
          if (this.#remove(entry)) {
            excess -= entry.bytes;
            pruned.bytes += entry.bytes;
            pruned.files += 1;
            directories.add(dirname(entry.path));
            if (pruned.files % FILES_AT_ONCE === 0) await setImmediate();
            continue;
          }
          pruned.failed += 1;
        }
        kept.add(line);
      }
      kept.flush();
      await syncFile(fresh.fd);
      if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== ino) return pruned;
      // From here to the rename nothing else of this process runs: no line of ours can come in between.
      const copied = copyRest(old, end, fresh.fd);
      renameSync(fresh.path, this.#path);
      for (const directory of directories) this.#removeEmpty(directory);
      await sleep(LATE_LINES_MS);
      this.#saveLateLines(old, copied);
      return pruned;
    } finally {
      closeSync(old);
      closeSync(fresh.fd);
      removeIfThere(fresh.path);
    }
  }

  /** Whether the entry speaks of nothing any more. */
  #remove(entry: IndexEntry): boolean {
    const path = join(this.#dir, entry.path);
    if (!OUR_NAME.test(basename(entry.path))) return true;
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      // Something else by now: it is not ours to delete.
      if (stats?.isFile() && stats.size === entry.bytes) unlinkSync(path);
      return true;
    } catch (error) {
      return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
    }
  }

  /** Removes a directory and those above it as far as they are empty. */
  #removeEmpty(directory: string): void {
    try {
      for (let at = directory; at !== '.'; at = dirname(at)) rmdirSync(join(this.#dir, at));
    } catch {
      // Not empty, or gone already.
    }
  }

  /** What other processes still wrote to the index that is no more. */
  #saveLateLines(old: number, from: number): void {
    if (fstatSync(old).size <= from) return;
    const index = openSync(this.#path, constants.O_WRONLY | constants.O_APPEND);
    try {
      copyRest(old, from, index);
    } finally {
      closeSync(index);
    }
  }
}

/** Collects lines to a size at which writing them pays. */
class LineBuffer {
  readonly #fd: number;
  #lines: string[] = [];
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  add(line: string): void {
    this.#lines.push(line, '\n');
    this.#length += line.length;
    if (this.#length >= WRITE_BYTES) this.flush();
  }

  flush(): void {
    writeAll(this.#fd, Buffer.from(this.#lines.join('')));
    this.#lines = [];
    this.#length = 0;
  }
}

/** The offset behind the last newline before `size`: what comes after it is still being written. */
function wholeLines(fd: number, size: number): number {
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const length = readSync(fd, chunk, 0, end - start, start);
    const at = chunk.subarray(0, length).lastIndexOf(0x0a);
    if (at !== -1) return start + at + 1;
    end = start;
  }
  return 0;
}

/** Copies from an offset to the end; gives where that was. */
function copyRest(from: number, start: number, to: number): number {
  const chunk = Buffer.alloc(WRITE_BYTES);
  let offset = start;
  for (;;) {
    const length = readSync(from, chunk, 0, chunk.length, offset);
    if (length === 0) return offset;
    writeAll(to, chunk.subarray(0, length));
    offset += length;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

function untilMs({ untilNanos }: IndexEntry): number {
  return Number(untilNanos / 1_000_000n);
}
