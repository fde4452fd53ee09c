// Compiles the tests and runs them: `npm test`, or `npm test -- WORD...` for what has a word in its path. Flags (--name=value)
// go to Node's runner. tsx would compile the same modules in each of the processes, which took more time than most of the tests.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, stop } from 'esbuild';
import { buildWasm } from './build-wasm.js';

/** Below the packages, so that tsx is found from there. */
const BUILDS = '.test-build';
/** Each run has a build of its own: another run, or a change of the sources, does not touch it. */
const OUT = join(BUILDS, String(process.pid));
/** For a whole file. The slowest takes some seconds, and ten times that where the machine has other work. */
const TIMEOUT_MS = 120_000;

/** What tests start as a process of its own, or import in one: `test/support/source-module.ts` asks for it. */
const STARTED = [
  'src/cli/dev.ts',
  'src/directory-lock.ts',
  'src/sinks/file/file-sink.ts',
  'src/sinks/file/index-writer.ts',
  'test/support/finished-profile.ts',
  'test/support/regexp-worker.ts',
  'test/support/write-for-ever.ts',
];

/** Modules go on finding their files beside their sources. */
const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
      const contents = readFileSync(path, 'utf8').replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, key) =>
        JSON.stringify(own[key]),
      );
      return { loader: 'ts', contents };
    });
  },
};

const argv = process.argv.slice(2);
const flags = argv.filter((arg) => arg.startsWith('-'));
const words = argv.filter((arg) => !arg.startsWith('-')).map((word) => word.replace(/^\.\//, ''));
const tests = testFiles().filter((path) => words.length === 0 || words.some((word) => path.includes(word)));
const unknown = words.filter((word) => !tests.some((path) => path.includes(word)));
if (tests.length === 0 || unknown.length > 0) throw new Error(`no test has this in its path: ${unknown.join(', ')}`);

await buildWasm();
removeOldBuilds();
await compile([...tests, ...STARTED]);
const compiled = tests.map((path) => join(OUT, path.replace(/\.ts$/, '.js')));
const limits = ['--test-concurrency=4', `--test-timeout=${TIMEOUT_MS}`];
const args = ['--enable-source-maps', '--test', ...limits, ...flags, ...compiled];
const child = spawn(process.execPath, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  rmSync(OUT, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});

/** Those of runs that were killed. */
function removeOldBuilds() {
  mkdirSync(BUILDS, { recursive: true });
  for (const name of readdirSync(BUILDS)) {
    if (!isRunning(Number(name))) rmSync(join(BUILDS, name), { recursive: true, force: true });
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function testFiles() {
  return readdirSync('test', { recursive: true })
    .map((name) => join('test', name))
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
}

async function compile(entryPoints) {
  await build({
    entryPoints,
    outdir: OUT,
    outbase: '.',
    bundle: true,
    // A test loads what it needs and no more, and each module is there once, whoever imports it.
    splitting: true,
    chunkNames: 'chunks/[hash]',
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    // Both find their own program or library by the place of their files.
    external: ['esbuild', 'oxc-parser'],
    logLevel: 'warning',
    define: { PYRO_PULL_TEST_BUILD: JSON.stringify(pathToFileURL(`${OUT}/`).href) },
    // Packages of CommonJS ask for Node's modules by require().
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    plugins: [ownUrls],
  });
  // Its process would stay until the last test has ended.
  await stop();
}
