import { spawnSync } from 'node:child_process';

/** A named pipe, for tests of what is no regular file: unlike a device of the system it is ours to break. */
export function makePipe(path: string): void {
  const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
