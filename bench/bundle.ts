import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Below the packages, so that those left out of a bundle are found from there. */
const OUT = join(import.meta.dirname, '../node_modules/.cache/pyro-pull-bench');

/** Modules go on finding their files beside their sources. */
const ownDirnames: Plugin = {
  name: 'own-dirnames',
  setup({ onLoad }) {
    onLoad({ filter: /\/(bench|test)\/.*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.dirname', JSON.stringify(dirname(path))),
    }));
  },
};

/** Bundles a module of this folder like the command line is; gives the path of the result. */
export async function bundle(entry: string): Promise<string> {
  const outfile = join(OUT, entry.replace(/\.ts$/, '.mjs'));
  await build({
    entryPoints: [join(import.meta.dirname, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    minifySyntax: true,
    keepNames: true,
    // Packages of CommonJS can't be bundled into a module that imports.
    external: ['esbuild', 'fast-check', 'undici', 're2js'],
    define: { PYRO_PULL_VERSION: '"bench"' },
    plugins: [ownDirnames],
    logLevel: 'error',
  });
  copyFileSync(join(import.meta.dirname, '../dist/engine.wasm'), join(OUT, 'engine.wasm'));
  return outfile;
}
