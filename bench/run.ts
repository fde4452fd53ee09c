/**
 * `npm run bench`: measures the delta engine (see figures.ts). In a process of its own and from a bundle, as users run it:
 * the loader that takes TypeScript apart adds calls to each closure, and memory to the process.
 */
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.ts';

const { status } = spawnSync(process.execPath, ['--expose-gc', await bundle('figures.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
