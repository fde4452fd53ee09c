import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../directory-lock.ts';
import { errnoOf, StateError } from '../errors.ts';

/** The states of a `--state-dir`, one file for each (target, profile). One process at a time. */
export interface StateStore {
  /** The saved state of a target; undefined if there is none. Throws StateError. */
  load(key: string): Uint8Array | undefined;
  /**
   * Writes it over the earlier one, in place: that takes a fifth of the time of a new file and a rename, and this is done
   * after each scrape. Where it is cut off (kill -9 at the wrong moment, a power cut) the reader finds a torn state, and one
   * interval is lost. Throws StateError; no state is left then.
   */
  save(key: string, state: Uint8Array): void;
  remove(key: string): void;
  /** Removes files that were last written before `nowMs - maxAgeMs`; says how many. */
  evict(nowMs: number, maxAgeMs: number): number;
  /** Lets another process in. */
  close(): Promise<void>;
}

const FILE = /^[0-9a-f]{16}\.state(\.tmp)?$/;

/** Opens (and creates) the directory, 0700. Rejects with StateError if another process has it, or it can't be used. */
export async function openStateStore(dir: string): Promise<StateStore> {
  const lock = await lockDirectory(dir, {
    what: 'state directory',
    hint: 'wait for it to end, or give each run a --state-dir of its own',
  });
  const pathOf = (key: string) => join(dir, `${key}.state`);
  const doing = <Result>(what: string, path: string, action: () => Result): Result => {
    try {
      return action();
    } catch (error) {
      const said = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
      throw new StateError('STATE_FILE', `cannot ${what} ${path}: ${said}`, { cause: error });
    }
  };
  return {
    load(key) {
      const path = pathOf(key);
      return doing('read', path, () => {
        try {
          return readFileSync(path);
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') return undefined;
          throw error;
        }
      });
    },
    save(key, state) {
      const path = pathOf(key);
      doing('write', path, () => overwrite(path, state));
    },
    remove(key) {
      doing('remove', pathOf(key), () => removeIfThere(pathOf(key)));
    },
    evict(nowMs, maxAgeMs) {
      return doing('clean', dir, () => {
        const old = readdirSync(dir).filter(
          (name) => FILE.test(name) && modifiedAt(join(dir, name)) < nowMs - maxAgeMs,
        );
        for (const name of old) removeIfThere(join(dir, name));
        return old.length;
      });
    },
    close: () => lock.release(),
  };
}

function overwrite(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    ftruncateSync(fd, bytes.length);
  } catch (error) {
    removeIfThere(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
