import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './errors.ts';

/** Parents that are missing are for everybody, whoever the directory below is for. */
const PARENT_MODE = 0o755;

/**
 * Creates a directory with its parents. The mode is that of the directory alone: its parents get 0755, less what the umask
 * takes away. Gives the topmost one that was not there; undefined if all were. Throws the system's error. Node's own `recursive` never returns where a directory says ENOENT to every new name, as /proc does,
 * and takes a read-only file system for a missing parent.
 */
export function createDirectory(dir: string, mode: number): string | undefined {
  try {
    mkdirSync(dir, { mode });
    return dir;
  } catch (error) {
    if (isDirectory(dir)) return undefined;
    if (errnoOf(error) !== 'ENOENT' || dirname(dir) === dir) throw error;
  }
  const topmost = createDirectory(dirname(dir), PARENT_MODE);
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    // Another process may have been faster.
    if (!isDirectory(dir)) throw error;
  }
  return topmost ?? dir;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
