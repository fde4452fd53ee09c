// Bundles the command line into one file whose parts are evaluated only when a command needs them, and keeps V8's compiled
// code of the common start beside it (bin/load-bundle.js tells why).
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import v8 from 'node:v8';
import { build } from 'esbuild';
import { BUNDLE, CODE_CACHES, compileBundle, evaluate, LOOP_BUNDLE } from './bin/load-bundle.js';
import { thirdPartyNotices } from './build-notices.js';
import { buildPage } from './build-page.js';
import { buildWasm, WASM } from './build-wasm.js';

// The help; what the commands with a config run in common; the one that has none.
const [before, after] = [0, 1].map((number) => `fixtures/profiles/recorded/etcd-heap-${number}.pb.gz`);
const WARM_UP = {
  help: ['--help'],
  config: ['check', 'examples/quick-start.yml'],
  delta: ['delta', before, after, '-o', '-'],
};

const DIST = dirname(BUNDLE);

if (process.argv[2] === '--code-cache') await writeCodeCache(process.argv[3]);
else await bundle();

async function bundle() {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  // Made apart and put in place whole: what runs from dist/ meanwhile never meets a part of it.
  const directory = `.dist-build-${process.pid}`;
  mkdirSync(directory);
  try {
    await bundleInto(directory, version);
    rmSync(DIST, { recursive: true, force: true });
    renameSync(directory, DIST);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  for (const name of Object.keys(CODE_CACHES)) {
    const command = ['build.js', '--code-cache', name];
    const cached = spawnSync(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
    if (cached.status !== 0) throw new Error(`the code cache ${name} was not written: ${cached.stderr}`);
    if (compileBundle(readFileSync(CODE_CACHES[name])).cachedDataRejected)
      throw new Error(`V8 refuses the code cache ${name}`);
  }
}

async function bundleInto(directory, version) {
  const mainFile = join(directory, basename(BUNDLE));
  const loopFile = join(directory, basename(LOOP_BUNDLE));
  const options = {
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: true,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
    define: { PYRO_PULL_VERSION: JSON.stringify(version) },
  };
  const main = {
    ...options,
    entryPoints: ['src/cli/main.ts'],
    format: 'cjs',
    // A script that comes out of V8's cache has lost its way to import(); Node's own modules are required instead.
    supported: { 'dynamic-import': false },
    define: { ...options.define, 'import.meta.url': 'bundleUrl' },
    // Only the unbundled sources ask for more than the URL.
    logOverride: { 'empty-import-meta': 'silent' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  };
  // Short names are a tenth of the start of a short command.
  const built = [await build({ ...main, outfile: mainFile, minifyIdentifiers: true })];
  // A loop serves profiles of itself: V8 shows the names and lines that it reads, which are then the real names, and lines
  // that `pprof -list` finds in the package. Its start is paid once in weeks.
  built.push(
    await build({
      ...main,
      outfile: loopFile,
      minifyWhitespace: false,
      minifySyntax: false,
      // Its names are kept as they are; esbuild's helper would give each closure a dictionary of properties of its own.
      keepNames: false,
      sourcemap: false,
    }),
  );
  // V8 keeps a source with one character beyond Latin-1 at two bytes each: three megabytes for a quotation mark in a comment.
  writeFileSync(loopFile, asAscii(readFileSync(loopFile, 'utf8')));
  const demo = {
    entryPoints: ['src/selfprofile/demo-worker.ts'],
    outfile: join(directory, 'demo-worker.js'),
    format: 'esm',
  };
  built.push(await build({ ...options, ...demo }));
  const groups = { entryPoints: ['src/discovery/groups-worker.ts'], outfile: 'dist/groups-worker.cjs', format: 'cjs' };
  built.push(await build({ ...options, ...groups }));
  await buildWasm();
  copyFileSync(WASM, join(directory, basename(WASM)));
  const notices = thirdPartyNotices(built.map(({ metafile }) => metafile));
  writeFileSync(join(directory, 'THIRD-PARTY-NOTICES.txt'), notices);
  mkdirSync(join(directory, 'page'));
  for (const [name, contents] of Object.entries(await buildPage()))
    writeFileSync(join(directory, 'page', name), contents);
}

/** The same program: an escape means its character in strings and regular expressions, and nothing in comments. */
function asAscii(source) {
  return source.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** In a process of its own: a cache holds what was compiled by the time it is made. */
async function writeCodeCache(name) {
  // V8 takes a cache only where all flags are those that it was made with.
  v8.setFlagsFromString = () => {};
  const script = compileBundle(undefined);
  const { main } = evaluate(script);
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...WARM_UP[name]);
  await main();
  if (process.exitCode !== 0) throw new Error(`${WARM_UP[name].join(' ')} ended with exit code ${process.exitCode}`);
  writeFileSync(CODE_CACHES[name], script.createCachedData());
}
