import { fileURLToPath } from 'node:url';

/** Where `npm test` has compiled the tests to; undefined where a test is run by hand, through tsx. */
declare const PYRO_PULL_TEST_BUILD: string | undefined;

const isBuilt = typeof PYRO_PULL_TEST_BUILD === 'string';

/** What Node needs to run such a module in a process of its own. */
export const MODULE_FLAGS: readonly string[] = isBuilt
  ? ['--enable-source-maps']
  : ['--import', import.meta.resolve('tsx')];

/** Where another process finds a module: one that `run-tests.js` lists, by its path from the root of the repository. */
export function moduleUrl(path: string): string {
  return isBuilt
    ? new URL(path.replace(/\.ts$/, '.js'), PYRO_PULL_TEST_BUILD).href
    : new URL(`../../${path}`, import.meta.url).href;
}

/** The arguments with which Node runs such a module. */
export function runModule(path: string, ...argv: readonly string[]): string[] {
  return [...MODULE_FLAGS, fileURLToPath(moduleUrl(path)), ...argv];
}
