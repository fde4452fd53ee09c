import { closeSync, constants, fstatSync, fsync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { plainText } from '../../safe-text/laid-out.ts';
import { LINE_START, parseIndexLine } from './index-entry.ts';

const NEWLINE = 0x0a;
/** Longer than any line. */
const TAIL_BYTES = 64 * 1024;
/** Nobody takes so long over one line: what has no end by then will not get one. */
const TORN_AFTER_MS = 1_000;

/**
 * Appends lines to the index, each in one write at the end of the file, so that processes that share a directory don't
 * mix theirs. Methods throw the system's errors.
 */
export class IndexWriter {
  readonly #path: string;
  #fd: number;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  /** Opens or creates the index, and mends its last line where a crash has torn it. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openIndex(path);
  }

  /** Adds a line of JSON (without its end), made safe for whoever prints the index. All of it is written, or nothing. */
  append(line: string): void {
    const bytes = Buffer.from(`${plainText(line)}\n`);
    let before = fstatSync(this.#fd);
    if (before.nlink === 0) {
      // Somebody has removed or replaced the index under us.
      closeSync(this.#fd);
      this.#fd = openIndex(this.#path);
      before = fstatSync(this.#fd);
    }
    const written = writeSync(this.#fd, bytes);
    if (written === bytes.length) return;
    try {
      // The rest fails with the reason why this came short, mostly a full disk.
      writeSync(this.#fd, bytes, written);
    } catch (error) {
      const isLast = fstatSync(this.#fd).size === before.size + written;
      if (isLast) ftruncateSync(this.#fd, before.size);
      throw error;
    }
  }

  /** Resolves when all lines so far are on the device. Calls that overlap share the work. */
  sync(): Promise<void> {
    if (!this.#syncing) {
      this.#syncing = syncFile(this.#fd).finally(() => {
        this.#syncing = undefined;
      });
      return this.#syncing;
    }
    // The one under way may have begun before the caller's line. Should it fail, the caller's fails too: the system
    // tells of an error once, and may have lost any line so far.
    this.#nextSync ??= this.#syncing
      .finally(() => {
        this.#nextSync = undefined;
      })
      .then(() => this.sync());
    return this.#nextSync;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Through the thread pool: a disk may take 20 ms. */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
}

function openIndex(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o644);
  try {
    mendLastLine(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/**
 * Every line must end. A whole one that lacks its end gets it; the beginning of one of ours is taken away, as tools
 * like jq stop at it. In doubt (another process may be about to finish it, or it is not ours) only the end is added.
 */
function mendLastLine(fd: number): void {
  const { size, mtimeMs } = fstatSync(fd);
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  if (size === 0 || tail.at(-1) === NEWLINE) return;
  const start = tail.lastIndexOf(NEWLINE) + 1;
  const line = tail.subarray(start).toString();
  const isOurs = line.startsWith(LINE_START) || LINE_START.startsWith(line);
  const isTorn = isOurs && parseIndexLine(line) === undefined && Date.now() - mtimeMs > TORN_AFTER_MS;
  if (isTorn) ftruncateSync(fd, size - tail.length + start);
  else writeSync(fd, '\n');
}
