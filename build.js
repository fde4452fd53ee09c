// Bundles the command line: one lazily loaded chunk a command, so that each pays at start-up for what it uses alone.
import { rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version, engines } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

await rm(new URL('dist', import.meta.url), { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/cli/main.ts', 'demo-worker': 'src/selfprofile/demo-worker.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: `node${engines.node.replace(/[^\d.]/g, '')}`,
  define: { PYRO_PULL_VERSION: JSON.stringify(version) },
  // CommonJS packages inside an ES module bundle still call require for Node's own modules.
  banner: { js: "import { createRequire as pyroPullRequire } from 'node:module';const require = pyroPullRequire(import.meta.url);" },
  sourcemap: true,
  minify: true,
  keepNames: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
