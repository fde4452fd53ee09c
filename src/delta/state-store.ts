/** The states of a `--state-dir`, one file for each (target, profile). One process at a time. */
export interface StateStore {
  /** The saved state of a target; undefined if there is none. */
  load(key: string): Uint8Array | undefined;
  /** Writes it whole or not at all. Throws StateError. */
  save(key: string, state: Uint8Array): void;
  remove(key: string): void;
  /** Removes files that were last written before `nowMs - maxAgeMs`; says how many. */
  evict(nowMs: number, maxAgeMs: number): number;
  /** Lets another process in. */
  close(): void;
}

/** Opens (and creates) the directory. Throws StateError if another process has it, or it can't be used. */
export function openStateStore(_dir: string): StateStore {
  throw new Error('not built yet');
}
