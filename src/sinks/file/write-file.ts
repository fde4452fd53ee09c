import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createDirectory } from '../../create-directory.ts';
import { errnoOf } from '../../errors.ts';
import { writeError } from './write-error.ts';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const TEMPORARY = /^\.pyro-pull-[0-9a-f]{8}-\d+\.tmp$/;
/** A file is under its temporary name for milliseconds; after a minute its writer is dead. */
const STALE_AFTER_MS = 60_000;

const writer = randomBytes(4).toString('hex');
let serial = 0;

/** A new file under its temporary name, open for whoever wants to sync it. */
export interface TemporaryFile {
  readonly path: string;
  readonly fd: number;
}

/** Writes a temporary file into `dir`, which is created if need be. Throws the system's error, and leaves nothing then. */
export function writeTemporary(dir: string, body: Uint8Array): TemporaryFile {
  const path = join(dir, `.pyro-pull-${writer}-${serial++}.tmp`);
  const fd = inDirectory(path, () => openSync(path, 'wx', FILE_MODE));
  try {
    writeFileSync(fd, body);
    return { path, fd };
  } catch (error) {
    closeSync(fd);
    removeIfThere(path);
    throw error;
  }
}

/**
 * Gives a temporary file its name, atomically, and creates the directory if need be. False where a file of that name
 * exists: that one stays. Throws the system's error; the temporary file is still there then, as it is after false.
 */
export function publish(temporary: string, path: string): boolean {
  try {
    // A link fails where a rename would overwrite, also between two processes.
    inDirectory(path, () => linkSync(temporary, path));
    removeIfThere(temporary);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST' && existsSync(path)) return false;
    if (errno === undefined || !['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno))
      throw error;
    // A file system without hard links, such as FAT.
    if (existsSync(path)) return false;
    renameSync(temporary, path);
    return true;
  }
}

/** Removes what earlier processes left in `dir` when they were killed while they wrote. */
export function removeStaleTemporaries(dir: string, nowMs: number): void {
  for (const name of readdirSync(dir)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(dir, name);
    try {
      const stats = lstatSync(path);
      if (stats.isFile() && nowMs - stats.mtimeMs > STALE_AFTER_MS) unlinkSync(path);
    } catch {
      // Another process was faster, or it isn't ours to delete; it does no harm.
    }
  }
}

/**
 * Writes one file that the user named: whole or not at all, over an existing one. What is no regular file (`/dev/null`,
 * a pipe) is written to and not replaced. Throws SinkError.
 */
export function writeFileWhole(path: string, body: Uint8Array): void {
  try {
    if (existsSync(path) && !statSync(path).isFile()) {
      writeFileSync(path, body);
      return;
    }
    const target = existsSync(path) ? realpathSync(path) : path; // a symbolic link stays one
    const temporary = join(dirname(target), `.pyro-pull-${writer}-${serial++}.tmp`);
    try {
      writeFileSync(temporary, body, { flag: 'wx', mode: FILE_MODE });
      renameSync(temporary, target);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
  } catch (error) {
    throw writeError(path, error);
  }
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already, or not to be removed; the error that led here says more.
  }
}

/** Gives the topmost directory that was not there; undefined if all were. Throws the system's error. */
export function createOutputDirectory(dir: string): string | undefined {
  return createDirectory(dir, DIRECTORY_MODE);
}

/** Directories are made when they turn out to be missing, which costs nothing while they are there. */
function inDirectory<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    createOutputDirectory(dirname(path));
    return action();
  }
}
