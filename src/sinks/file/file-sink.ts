import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { redactUrl } from '../../safe-text/redact-url.ts';
import { systemFault } from '../../system-fault.ts';
import type { FinishedProfile, Receipt, Sink } from '../sink.ts';
import { INDEX_FILE, type IndexEntry, indexFields } from './index-entry.ts';
import { IndexWriter, syncFile } from './index-writer.ts';
import { fileName, profileDirectory } from './profile-path.ts';
import { writeError } from './write-error.ts';
import {
  createOutputDirectory,
  publish,
  removeIfThere,
  removeStaleTemporaries,
  type TemporaryFile,
  writeTemporary,
} from './write-file.ts';

export interface FileSinkOptions {
  /** Where the profiles go; created if need be. */
  readonly dir: string;
  /** A profile counts as written only when it would survive a power cut. */
  readonly fsync?: boolean;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/**
 * Writes profiles as `<job>/<service>/<instance>/<profile>/<time>.pb.gz` under a directory, and a line for each into its
 * index. A file appears whole or not at all and never replaces another, also when several processes write here. Rejects
 * with a SinkError when the directory can't be used.
 */
export async function createFileSink(options: FileSinkOptions): Promise<Sink> {
  const dir = resolve(options.dir);
  try {
    const created = createOutputDirectory(dir);
    removeStaleTemporaries(dir, (options.now ?? Date.now)());
    const index = new IndexWriter(join(dir, INDEX_FILE));
    const directories = options.fsync ? new DurableDirectories(created ? dirname(created) : dir) : undefined;
    return new FileSink(dir, index, directories);
  } catch (error) {
    throw writeError(dir, error);
  }
}

/**
 * Without `fsync` a write is synchronous from end to end: for files of this size that takes a fifth of the CPU of the
 * same through the thread pool. Only waiting for the device (up to 20 ms) is left to the pool.
 */
class FileSink implements Sink {
  readonly name = 'files';
  readonly #dir: string;
  readonly #index: IndexWriter;
  /** Undefined without `fsync`. */
  readonly #directories: DurableDirectories | undefined;
  readonly #writes = new Set<Promise<Receipt>>();
  #isClosed = false;

  constructor(dir: string, index: IndexWriter, directories: DurableDirectories | undefined) {
    this.#dir = dir;
    this.#index = index;
    this.#directories = directories;
  }

  async write(profile: FinishedProfile): Promise<Receipt> {
    if (this.#isClosed) throw new Error('the file sink is closed');
    const writing = this.#write(profile);
    this.#writes.add(writing);
    try {
      return await writing;
    } finally {
      this.#writes.delete(writing);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#writes);
    this.#index.close();
  }

  async #write(profile: FinishedProfile): Promise<Receipt> {
    const directory = profileDirectory(profile);
    let published: string | undefined;
    try {
      published = await this.#publish(profile, directory);
      await this.#directories?.sync(join(this.#dir, directory));
      const path = `${directory}/${published}`;
      const entry = indexFields(entryOf(profile, path));
      this.#index.append(JSON.stringify(entry));
      if (this.#directories) await this.#index.sync();
      return { path, bytes: profile.body.length, entry };
    } catch (error) {
      // A file that the index does not know would be found by no one.
      if (published !== undefined) removeIfThere(join(this.#dir, directory, published));
      // Of a full disk all profiles say the same, so that they can be told as one.
      throw writeError(systemFault(error).isGeneral ? this.#dir : join(this.#dir, directory), error);
    }
  }

  /** Gives the name of the file. */
  async #publish(profile: FinishedProfile, directory: string): Promise<string> {
    try {
      // The output directory itself, so that what a crash leaves is found without a search.
      return await this.#publishFrom(this.#dir, profile, directory);
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error;
      // A directory below is on another device, mounted or linked to.
      return this.#publishFrom(join(this.#dir, directory), profile, directory);
    }
  }

  async #publishFrom(temporaryDir: string, profile: FinishedProfile, directory: string): Promise<string> {
    const temporary = writeTemporary(temporaryDir, profile.body);
    try {
      if (this.#directories) await syncAndClose(temporary);
      else closeSync(temporary.fd);
      for (let taken = 0; ; taken++) {
        const name = fileName(profile, taken);
        if (publish(temporary.path, join(this.#dir, directory, name))) return name;
      }
    } catch (error) {
      removeIfThere(temporary.path);
      throw error;
    }
  }
}

/** Field by field: spreading the profile takes as long as all else that the entry needs. */
function entryOf(profile: FinishedProfile, path: string): IndexEntry {
  return {
    path,
    profile: profile.target.profile.name,
    labels: profile.labels,
    url: redactUrl(profile.target.url),
    kind: profile.profileKind,
    spyName: profile.target.spyName,
    fromNanos: profile.fromNanos,
    untilNanos: profile.untilNanos,
    sampleTypes: profile.sampleTypes,
    samples: profile.samples,
    bytes: profile.body.length,
    sha256: hash('sha256', profile.body, 'hex'),
    isReset: profile.isReset,
    isPartial: profile.isPartial,
  };
}

async function syncAndClose({ fd }: TemporaryFile): Promise<void> {
  try {
    await syncFile(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes names last: a file survives a power cut when it and the directory that names it are on the device. */
class DurableDirectories {
  /** Directories whose own names are known to be on the device, and which directory that was: a pruned one is made anew. */
  readonly #known = new Map<string, string>();
  readonly #top: string;

  /** `top` was there before us. */
  constructor(top: string) {
    this.#top = top;
  }

  /** Resolves when the names in `dir`, and the way to it, are on the device. */
  async sync(dir: string): Promise<void> {
    if (process.platform === 'win32') return; // can't open directories, and needn't
    const identity = await syncDirectory(dir);
    if (this.#known.get(dir) === identity || dir === this.#top || dirname(dir) === dir) return;
    await this.sync(dirname(dir));
    this.#known.set(dir, identity);
  }
}

/** Gives what tells the directory from another of its name: an inode number is soon used again, a birth is not. */
async function syncDirectory(dir: string): Promise<string> {
  const fd = openSync(dir, 'r');
  try {
    await syncFile(fd);
    const { ino, birthtimeMs } = fstatSync(fd);
    return `${ino} ${birthtimeMs}`;
  } finally {
    closeSync(fd);
  }
}
