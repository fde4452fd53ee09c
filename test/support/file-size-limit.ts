import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULE_FLAGS } from './source-module.ts';

/**
 * Runs a module (kept in `dir`) in a process whose files can't grow beyond `kilobytes`: what a full disk
 * does, without one. Writes come short at the limit, then fail with EFBIG. Gives what the module printed.
 */
export function runWithFileSizeLimit(dir: string, kilobytes: number, module: string): string {
  const path = join(dir, 'limited.mjs');
  writeFileSync(path, module);
  // sh counts blocks of 512 bytes. The limit's signal would end the process, so it is ignored.
  const shell = `trap '' XFSZ; ulimit -f ${kilobytes * 2}; exec "$0" "$@"`;
  const env = { ...process.env, TSX_DISABLE_CACHE: '1' }; // whose files would be cut off too
  const args = ['-c', shell, process.execPath, ...MODULE_FLAGS, path];
  const run = spawnSync('sh', args, { encoding: 'utf8', env });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}
