import { readFileSync } from 'node:fs';

/** Replaced by the build; undefined when the sources run unbundled. */
declare const PYRO_PULL_VERSION: string | undefined;

/** This program's version, as in package.json. */
export const VERSION: string = typeof PYRO_PULL_VERSION === 'string' ? PYRO_PULL_VERSION : versionOfSources();

function versionOfSources(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0.0.0';
}
