import { mkdirSync, mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const REPOSITORY = resolve(import.meta.dirname, '../../..');
export const INTEROP = join(REPOSITORY, 'test/interop');

const { XDG_CACHE_HOME } = process.env;

/** Where built programs are kept from run to run, outside the repository. */
export const CACHE = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'pyro-pull');

/** The variable by which the runner gives all its suites one directory for logs and data. */
export const RUN_DIRECTORY_VARIABLE = 'PYRO_PULL_INTEROP_DIR';

const runDirectory = process.env[RUN_DIRECTORY_VARIABLE] ?? mkdtempSync(join(tmpdir(), 'pyro-pull-interop-'));

/** A new empty directory of this run. It stays when the run fails, for a look at what went wrong. */
export function freshDirectory(name: string): string {
  mkdirSync(runDirectory, { recursive: true });
  return mkdtempSync(join(runDirectory, `${name}-`));
}
