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
import { systemFault } from '../system-fault.ts';

/** The states of a `--state-dir`, for each (target, profile). One process at a time. */
export interface StateStore {
  /**
   * What was saved of a target, newest first: the reader takes the first that is whole. None if there is nothing. Throws
   * StateError.
   */
  load(key: string): readonly Uint8Array[];
  /**
   * Writes a state so that a whole one is there at any moment, even through kill -9. Two files take turns, the older one is
   * overwritten in place: that costs a fifth of a new file and a rename over the last, and it is done after each scrape.
   * Throws StateError.
   */
  save(key: string, state: Uint8Array): void;
  remove(key: string): void;
  /** Removes files that were last written before `nowMs - maxAgeMs`; says how many. */
  evict(nowMs: number, maxAgeMs: number): number;
  /** Lets another process in. */
  close(): Promise<void>;
}

const FILE = /^[0-9a-f]{16}\.[01]\.state$/;
/** Before each state: which of the two is newer. */
const SEQUENCE_BYTES = 4;

/** Opens (and creates) the directory, 0700. Rejects with StateError if another process has it, or it can't be used. */
export async function openStateStore(dir: string): Promise<StateStore> {
  const lock = await lockDirectory(dir, {
    what: 'state directory',
    hint: 'wait for it to end, or give each run a --state-dir of its own',
  });
  const pathOf = (key: string, sequence: number) => join(dir, `${key}.${sequence % 2}.state`);
  /** By key: the sequence number of the newest state, once it is known. */
  const newest = new Map<string, number>();
  const doing = <Result>(what: string, path: string, action: () => Result): Result => {
    try {
      return action();
    } catch (error) {
      const { words, hint, isGeneral } = systemFault(error);
      // Of a full disk all states say the same, so that they can be told as one.
      throw new StateError('STATE_FILE', `cannot ${what} ${isGeneral ? dir : path}: ${words}`, { hint, cause: error });
    }
  };
  const load = (key: string): readonly Uint8Array[] => {
    const found = [0, 1].flatMap((slot) => {
      const path = pathOf(key, slot);
      const file = doing('read', path, () => readIfThere(path));
      if (file === undefined || file.length < SEQUENCE_BYTES) return [];
      return [{ sequence: file.readUInt32LE(0), state: file.subarray(SEQUENCE_BYTES) }];
    });
    found.sort((a, b) => b.sequence - a.sequence);
    newest.set(key, found[0]?.sequence ?? 0);
    return found.map(({ state }) => state);
  };
  return {
    load,
    save(key, state) {
      if (!newest.has(key)) load(key);
      const sequence = (newest.get(key) ?? 0) + 1;
      const path = pathOf(key, sequence);
      const bytes = Buffer.alloc(SEQUENCE_BYTES + state.length);
      bytes.writeUInt32LE(sequence);
      bytes.set(state, SEQUENCE_BYTES);
      doing('write', path, () => overwrite(path, bytes));
      newest.set(key, sequence);
    },
    remove(key) {
      for (const slot of [0, 1]) doing('remove', pathOf(key, slot), () => removeIfThere(pathOf(key, slot)));
      newest.delete(key);
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

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
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
