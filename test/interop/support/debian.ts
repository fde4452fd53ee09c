import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mustRun } from './run-command.ts';

let updated = false;

/** Makes sure that a command is there, by installing the Debian package that has it. */
export async function needCommand(command: string, packageName: string): Promise<string> {
  const found = findCommand(command);
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || findCommand('apt-get') === undefined) {
    throw new Error(`${command} is missing and only root on Debian can install it here: install ${packageName}`);
  }
  console.log(`interop: installing ${packageName}`);
  // With RUNLEVEL=1 the package does not start its service by itself.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  if (!updated) await mustRun(['apt-get', 'update', '-q'], { env });
  updated = true;
  await mustRun(['apt-get', 'install', '-y', '-q', '--no-install-recommends', packageName], { env });
  const installed = findCommand(command);
  if (installed === undefined) throw new Error(`package ${packageName} has no command ${command}`);
  return installed;
}

export function findCommand(command: string): string | undefined {
  const { PATH = '' } = process.env;
  const directories = [...PATH.split(delimiter), '/usr/local/go/bin', '/usr/sbin', '/usr/bin'];
  return directories.map((directory) => join(directory, command)).find((file) => existsSync(file));
}
