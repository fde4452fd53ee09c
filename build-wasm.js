// Compiles assembly/ into .wasm-build/engine.wasm, of which the build puts a copy into dist/. Does nothing where that has been
// made of the same sources: `npm test` asks each time. Sources that run unbundled, tests among them, read the file here, so a
// build that replaces dist/ does not disturb them.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const DIRECTORY = '.wasm-build';
export const WASM = `${DIRECTORY}/engine.wasm`;
const STAMP = `${DIRECTORY}/engine.sources`;
const OPTIONS = [
  '--optimizeLevel=3',
  '--converge',
  '--noAssert',
  // No garbage collector and no runtime: all memory is the module's own to lay out.
  '--runtime=stub',
  '--use=abort=',
  '--initialMemory=16',
  // Names of functions, for profiles of a loop.
  '--debug',
];

export async function buildWasm() {
  const sources = sourceStamp();
  if (readIfThere(STAMP) === sources && readIfThere(WASM) !== undefined) return;
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(DIRECTORY, { recursive: true });
  const made = `${DIRECTORY}/${process.pid}.wasm`;
  const { error, stderr } = await asc.main(['assembly/index.ts', `--outFile=${made}`, ...OPTIONS]);
  // Warnings are of conversions that may lose bits. That the last round of --converge gained nothing is said there, too.
  if (error || /^(?:WARNING|ERROR) /m.test(stderr.toString())) {
    // The compiler writes its output even where it warns.
    rmSync(made, { force: true });
    throw new Error(`assembly/ does not compile:\n${stderr.toString()}`);
  }
  rmSync(STAMP, { force: true });
  renameSync(made, WASM);
  writeFileSync(STAMP, sources);
}

/** All that the result depends on: the sources, this file, the compiler. */
function sourceStamp() {
  const hash = createHash('sha256');
  const files = readdirSync('assembly', { recursive: true }).filter((name) => name.endsWith('.ts'));
  for (const name of files.sort()) hash.update(name).update(readFileSync(`assembly/${name}`));
  hash.update(readFileSync('build-wasm.js'));
  hash.update(readFileSync('node_modules/assemblyscript/package.json'));
  return hash.digest('hex');
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await buildWasm();
