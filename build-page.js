// Makes the files of the status page: its script from TypeScript, the others as they are. The build writes them beside the
// bundle; sources that run unbundled ask for them when the page is opened.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGE = fileURLToPath(new URL('./src/status/page/', import.meta.url));
const AS_THEY_ARE = ['targets.html', 'targets.css', 'icon.svg'];

/** Name -> contents. */
export async function buildPage() {
  const { outputFiles } = await build({
    entryPoints: [`${PAGE}targets.ts`],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    minifySyntax: true,
    write: false,
    logLevel: 'warning',
  });
  const files = { 'targets.js': outputFiles[0].contents };
  for (const name of AS_THEY_ARE) files[name] = await readFile(PAGE + name);
  return files;
}
