// Bundles the command line into one file whose parts are evaluated only when a command needs them, and keeps V8's compiled
// code of the common start beside it (bin/load-bundle.js tells why).
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { BUNDLE, CODE_CACHE, compileBundle, evaluate } from './bin/load-bundle.js';

// Only what every command runs: code of one command alone costs all others more to read than it saves that one.
const WARM_UP = [['--help']];

if (process.argv[2] === '--code-cache') await writeCodeCache();
else await bundle();

async function bundle() {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  rmSync('dist', { recursive: true, force: true });
  const options = {
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: true,
    legalComments: 'linked',
    logLevel: 'warning',
    define: { PYRO_PULL_VERSION: JSON.stringify(version) },
  };
  await build({
    ...options,
    // A tenth of the start of a short command. The demo's worker keeps its names: V8 shows them in its profiles.
    minifyIdentifiers: true,
    entryPoints: ['src/cli/main.ts'],
    outfile: BUNDLE,
    format: 'cjs',
    // A script that comes out of V8's cache has lost its way to import(); Node's own modules are required instead.
    supported: { 'dynamic-import': false },
    define: { ...options.define, 'import.meta.url': 'bundleUrl' },
    // Only the unbundled sources ask for more than the URL.
    logOverride: { 'empty-import-meta': 'silent' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  await build({
    ...options,
    entryPoints: ['src/selfprofile/demo-worker.ts'],
    outfile: 'dist/demo-worker.js',
    format: 'esm',
  });
  const cached = spawnSync(process.execPath, ['build.js', '--code-cache'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (cached.status !== 0) throw new Error('the code cache was not written');
}

/** In a process of its own: a cache holds what was compiled by the time it is made. */
async function writeCodeCache() {
  const script = compileBundle(undefined);
  const { main } = evaluate(script);
  for (const argv of WARM_UP) {
    process.argv.splice(2, Number.POSITIVE_INFINITY, ...argv);
    await main();
    if (process.exitCode !== 0) throw new Error(`${argv.join(' ')} ended with exit code ${process.exitCode}`);
  }
  writeFileSync(CODE_CACHE, script.createCachedData());
}
