import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { FileDiscoveryConfig } from '../../config/discovery-config.ts';
import { DiscoveryError } from '../../errors.ts';
import type { Discoverer, DiscoveryUpdate } from '../discoverer.ts';
import type { DiscovererDeps } from '../refresh-meter.ts';
import { isSameUpdate } from '../same-update.ts';
import type { TargetGroup } from '../target-group.ts';
import { whatIsKept } from '../what-is-kept.ts';
import { DirectoryWatcher, type WatchDirectory } from './directory-watcher.ts';
import { directoryOf, listFiles } from './file-pattern.ts';
import { type FileReading, readTargetFile } from './read-target-file.ts';

/** What is known of one file. */
interface FileState {
  /** Undefined where it has never been good. */
  readonly groups: readonly TargetGroup[] | undefined;
  /** Of the reading that gave the groups. */
  readonly warnings: readonly string[];
  /** When the groups were last read, Unix milliseconds. */
  readonly goodAtMs: number;
  /** The reading that gave no groups, where the last one did not. */
  readonly problem: Exclude<FileReading, { type: 'groups' | 'missing' }> | undefined;
  /** Changes when the file does, as far as its directory entry tells. Undefined where that could not be read. */
  readonly stamp: string | undefined;
  readonly missingSinceMs: number | undefined;
}

interface RefreshOptions {
  /** Read files again whose size and times are as before. */
  readonly isFull: boolean;
  /** Nobody comes back later: what is missing is a failure, and gone at once. */
  readonly isOnce: boolean;
}

/** Network mounts give no events, so sizes and times are looked at this often at least. */
const MAX_POLL_MS = 30_000;
/** A rename over a file, or a swap of Kubernetes's `..data` link, leaves a moment without the file. */
const MISSING_GRACE_MS = 1_000;
/** A file that makes no sense may be half-written. */
const REREAD_MS = 200;

/** `file-sd-configs`: target groups in JSON and YAML files that others write. A file that breaks keeps its last good groups. */
export class FileDiscoverer implements Discoverer {
  readonly name: string;
  readonly #config: FileDiscoveryConfig;
  readonly #deps: DiscovererDeps;
  readonly #watchDirectory: WatchDirectory | undefined;
  #files: ReadonlyMap<string, FileState> = new Map();

  constructor(config: FileDiscoveryConfig, name: string, deps: DiscovererDeps, watchDirectory?: WatchDirectory) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    this.#watchDirectory = watchDirectory;
  }

  async once(signal: AbortSignal): Promise<DiscoveryUpdate> {
    const update = await this.#refresh({ isFull: true, isOnce: true }, signal);
    signal.throwIfAborted();
    return update;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<DiscoveryUpdate> {
    const watcher = new DirectoryWatcher(this.#deps, this.#watchDirectory);
    const directories = new Set(this.#config.files.map(directoryOf));
    let last: DiscoveryUpdate | undefined;
    let hasEvent = true;
    let nextFullMs = 0;
    try {
      while (!signal.aborted) {
        watcher.watch(directories);
        const isFull = hasEvent || this.#deps.now() >= nextFullMs;
        if (isFull) nextFullMs = this.#deps.now() + this.#config.refreshIntervalMs;
        const update = await this.#refresh({ isFull, isOnce: false }, signal);
        if (signal.aborted) return;
        if (update.failures.length > 0) this.#deps.meter?.failed();
        else if (isFull) this.#deps.meter?.succeeded();
        if (last === undefined || !isSameUpdate(last, update)) {
          last = update;
          yield update;
        }
        hasEvent = await watcher.next(this.#waitMs(), signal);
      }
    } finally {
      watcher.close();
    }
  }

  /** Until the next look without an event: the poll, or the end of a file's grace. */
  #waitMs(): number {
    const graceEnds = [...this.#files.values()].flatMap(({ missingSinceMs }) =>
      missingSinceMs === undefined ? [] : [missingSinceMs + MISSING_GRACE_MS - this.#deps.now()],
    );
    return Math.max(1, Math.min(this.#config.refreshIntervalMs, MAX_POLL_MS, ...graceEnds));
  }

  async #refresh(options: RefreshOptions, signal: AbortSignal): Promise<DiscoveryUpdate> {
    const found = await this.#findFiles(options);
    const files = new Map<string, FileState>();
    const unsure: [path: string, stamp: string | undefined][] = [];
    for (const path of found.paths) {
      const known = this.#files.get(path);
      const stamp = await stampOf(path);
      if (known !== undefined && !options.isFull && known.problem === undefined && known.stamp === stamp) {
        files.set(path, { ...known, missingSinceMs: undefined });
        continue;
      }
      const reading = await readTargetFile(path);
      if (reading.type === 'broken' || reading.type === 'empty') unsure.push([path, stamp]);
      this.#take(files, path, reading, stamp);
    }
    if (unsure.length > 0) await this.#deps.sleep(REREAD_MS, signal);
    for (const [path, stamp] of unsure) this.#take(files, path, await readTargetFile(path), stamp);
    this.#keepMissing(files, found, options);
    // Sorted, so that a file that goes and comes back changes nothing else.
    this.#files = new Map([...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    return this.#updateFrom(found);
  }

  async #findFiles({ isOnce }: RefreshOptions): Promise<FoundFiles> {
    const paths = new Set<string>();
    const unlisted = new Set<string>();
    const failures: DiscoveryError[] = [];
    const missing = new Map<string, string>();
    for (const file of this.#config.files) {
      const listing = await listFiles(file);
      if (listing.type === 'found') for (const path of listing.paths) paths.add(path);
      else if (listing.type === 'broken') {
        unlisted.add(directoryOf(file));
        failures.push(this.#failure(listing.error, listing.error.message));
      } else if (isOnce) {
        failures.push(new DiscoveryError('SD_FILE_MISSING', `${this.name}: ${listing.message}`));
      } else missing.set(file, `${this.name}: ${listing.message}`);
    }
    return { paths, unlisted, failures, missing };
  }

  #take(files: Map<string, FileState>, path: string, reading: FileReading, stamp: string | undefined): void {
    const known = this.#files.get(path);
    if (reading.type === 'missing') files.delete(path);
    else if (reading.type === 'groups') {
      // The same object where nothing changed, so that the next comparison is short.
      const groups = isDeepStrictEqual(known?.groups, reading.groups) ? known?.groups : reading.groups;
      const goodAtMs = this.#deps.now();
      const { warnings } = reading;
      files.set(path, { groups, warnings, goodAtMs, problem: undefined, stamp, missingSinceMs: undefined });
    } else {
      const { groups, goodAtMs = 0 } = known ?? {};
      files.set(path, { groups, warnings: [], goodAtMs, problem: reading, stamp, missingSinceMs: undefined });
    }
  }

  /** Files that were there and are not: kept for their grace, and for as long as their directory can't be listed. */
  #keepMissing(files: Map<string, FileState>, { unlisted }: FoundFiles, { isOnce }: RefreshOptions): void {
    const now = this.#deps.now();
    for (const [path, known] of this.#files) {
      if (files.has(path)) continue;
      const missingSinceMs = known.missingSinceMs ?? now;
      if (unlisted.has(directoryOf(path))) files.set(path, { ...known, missingSinceMs: undefined });
      else if (!isOnce && now - missingSinceMs < MISSING_GRACE_MS) files.set(path, { ...known, missingSinceMs });
    }
  }

  #updateFrom(found: FoundFiles): DiscoveryUpdate {
    const failures = [...found.failures];
    const warnings = [...found.missing].filter(([file]) => !this.#hasGrace(file)).map(([, message]) => message);
    const groups: TargetGroup[] = [];
    for (const [path, state] of this.#files) {
      for (const group of state.groups ?? []) groups.push(group);
      warnings.push(...state.warnings.map((warning) => `${this.name}: ${warning}`));
      const { problem } = state;
      if (problem?.type === 'broken') {
        failures.push(this.#failure(problem.error, `${problem.error.message}; ${whatIsKept(state, 'version')}`));
      } else if (problem?.type === 'empty') {
        warnings.push(
          `${this.name}: ${path} has no content; ${whatIsKept(state, 'version')}; write [] to say that there are no targets`,
        );
      }
    }
    return { groups, failures, warnings };
  }

  /** Whether something of this entry went away a moment ago and may come back. */
  #hasGrace(file: string): boolean {
    return [...this.#files].some(
      ([path, { missingSinceMs }]) => missingSinceMs !== undefined && directoryOf(path) === directoryOf(file),
    );
  }

  #failure({ code, hint, cause }: DiscoveryError, message: string): DiscoveryError {
    return new DiscoveryError(code, `${this.name}: ${message}`, { hint, cause });
  }
}

interface FoundFiles {
  readonly paths: ReadonlySet<string>;
  readonly failures: readonly DiscoveryError[];
  /** Messages about plain files and directories that are not there. */
  readonly missing: ReadonlyMap<string, string>;
  /** Directories whose files may be there although they were not found. */
  readonly unlisted: ReadonlySet<string>;
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    return [mtimeMs, ctimeMs, size, ino].join(' ');
  } catch {
    return undefined;
  }
}
