import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDirectory } from './create-directory.ts';
import { errnoOf, StateError } from './errors.ts';
import { systemFault } from './system-fault.ts';

/** Held until `release`, or until this process ends in whatever way. */
export interface DirectoryLock {
  release(): Promise<void>;
}

export interface DirectoryLockOptions {
  /** What the directory is, for messages: `queue`, `state directory`. */
  readonly what: string;
  /** What the user can do about a directory that is in use, without a full stop. */
  readonly hint: string;
  /** Whether the directory that it lies in, where that is missing, becomes private too. */
  readonly isParentPrivate?: boolean;
}

const PRIVATE_MODE = 0o700;
const PREFIX = '.lock-';
/** How often the owner touches its file, and how long one that nobody touches counts as alive where we can't look. */
const HEARTBEAT_MS = 2_000;
const SILENT_FOR_MS = 10_000;
/** Other hosts' clocks are not further off than this. */
const CLOCK_SKEW_MS = 10 * 60_000;
const TRIES = 4;

/** Who holds a lock, in the lock file. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Names the run of the kernel, the process namespace in it, and the start of the process: pids are used again. */
  readonly boot: string;
  readonly namespace: string;
  readonly started: string;
  readonly since: string;
}

/**
 * Makes this process the only one that works in a directory (created 0700 where it is missing). Shared by the queues of
 * remotes and the directory of states. Rejects with a StateError `LOCKED` that names the owner when another process, or
 * another part of this one, holds it.
 *
 * Node has no `flock`, so every process puts down a file of its own first and then looks at all the others: of two that
 * start together at least one sees the other. A file whose owner is dead is cleared away: by pid and start time where
 * the owner ran on this kernel, else (a volume shared between containers or hosts) after it was not touched for 10 s.
 */
export async function lockDirectory(dir: string, options: DirectoryLockOptions): Promise<DirectoryLock> {
  const self = await describeSelf();
  try {
    if (options.isParentPrivate) createDirectory(dirname(dir), PRIVATE_MODE);
    createDirectory(dir, PRIVATE_MODE);
    for (let tries = 1; ; tries++) {
      const path = await putDown(dir, self);
      const other = await findLiveOwner(dir, path, self);
      if (other === undefined) return keepAlive(path);
      await removeIfThere(path);
      if (tries === TRIES) throw inUse(dir, other, options);
      // Perhaps both have just started and saw each other: whoever comes back alone gets it.
      await sleep(20 + Math.random() * 100 * tries);
    }
  } catch (error) {
    if (error instanceof StateError) throw error;
    const { words, hint } = systemFault(error);
    throw new StateError('STATE_DIR', `cannot use the ${options.what} ${dir}: ${words}`, { hint, cause: error });
  }
}

function inUse(dir: string, { owner }: { owner: Owner | undefined }, { what, hint }: DirectoryLockOptions): StateError {
  const who =
    owner === undefined
      ? 'another process'
      : `another pyro-pull (process ${owner.pid} on ${owner.host}, since ${owner.since})`;
  return new StateError('LOCKED', `the ${what} ${dir} is in use by ${who}`, { hint });
}

async function describeSelf(): Promise<Owner> {
  return {
    pid: process.pid,
    host: hostname(),
    boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim(),
    namespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    started: (await startOf(process.pid)) ?? '',
    since: new Date().toISOString(),
  };
}

/** The start of a process in clock ticks since boot (field 22 of `/proc/PID/stat`); undefined where there is none. */
async function startOf(pid: number): Promise<string | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the command in parentheses, which may hold anything.
  return line?.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}

/** Appears with its whole content or not at all. */
async function putDown(dir: string, self: Owner): Promise<string> {
  const path = join(dir, `${PREFIX}${self.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(`${path}.tmp`, `${JSON.stringify(self)}\n`, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
  return path;
}

async function findLiveOwner(
  dir: string,
  own: string,
  self: Owner,
): Promise<{ readonly owner: Owner | undefined } | undefined> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (!name.startsWith(PREFIX) || name.endsWith('.tmp') || path === own) continue;
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // released just now
    const owner = parseOwner(text);
    if (await isAlive(path, owner, self)) return { owner };
    await removeIfThere(path);
  }
  return undefined;
}

function parseOwner(text: string): Owner | undefined {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null) return undefined;
    const field = (name: string): string => {
      const value: unknown = Reflect.get(read, name);
      return typeof value === 'string' ? value : '';
    };
    const pid: unknown = Reflect.get(read, 'pid');
    if (typeof pid !== 'number') return undefined;
    return {
      pid,
      host: field('host'),
      boot: field('boot'),
      namespace: field('namespace'),
      started: field('started'),
      since: field('since'),
    };
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, owner: Owner | undefined, self: Owner): Promise<boolean> {
  const isOurKernel = owner !== undefined && owner.host === self.host && owner.boot === self.boot;
  if (!isOurKernel || owner.namespace !== self.namespace) return isTouched(path, isOurKernel);
  if (owner.started !== '') return (await startOf(owner.pid)) === owner.started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Whether somebody touches the file. Another host's clock may differ from ours, so a recent time is watched, not believed. */
async function isTouched(path: string, isOurClock: boolean): Promise<boolean> {
  const first = await modifiedAt(path);
  if (first === undefined) return false;
  if (Date.now() - first > SILENT_FOR_MS + (isOurClock ? 0 : CLOCK_SKEW_MS)) return false;
  for (let waited = 0; waited < SILENT_FOR_MS; waited += 250) {
    await sleep(250);
    const now = await modifiedAt(path);
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}

async function modifiedAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

function keepAlive(path: string): DirectoryLock {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // a file that is gone tells others nothing any more; ours goes on
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      await removeIfThere(path);
    },
  };
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}
