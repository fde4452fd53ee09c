import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { REPOSITORY, RUN_DIRECTORY_VARIABLE } from './places.ts';
import { type CommandOptions, type CommandResult, mustRun, runCommand } from './run-command.ts';

const PACKAGE = 'package';

/** The copy that the runner made for all suites; a suite that is run by itself takes the repository's. */
export const EXECUTABLE = join(packageIn(process.env[RUN_DIRECTORY_VARIABLE]) ?? REPOSITORY, 'bin/pyro-pull.js');

// Keys as the index has them, checked strictly where a user's script would rely on them.
const indexLine = z.looseObject({
  path: z.string(),
  profile: z.string(),
  labels: z.record(z.string(), z.string()),
  url: z.string(),
  from: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }),
  sampleTypes: z.array(z.unknown()),
  samples: z.number(),
  bytes: z.number(),
  sha256: z.string().length(64),
  reset: z.boolean(),
  partial: z.boolean(),
});

/** One written file, as `index.ndjson` tells of it. */
export type IndexLine = z.infer<typeof indexLine>;

/**
 * Builds the command from the sources as they are, and puts a copy of what would be installed into the directory of a run:
 * a build that somebody makes during the run does not disturb it.
 */
export async function buildPyroPull(runDirectory: string): Promise<void> {
  await mustRun(['npm', 'run', 'build'], { cwd: REPOSITORY });
  const copy = join(runDirectory, PACKAGE);
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(REPOSITORY, part), join(copy, part), { recursive: true });
  }
}

function packageIn(runDirectory: string | undefined): string | undefined {
  return runDirectory === undefined ? undefined : join(runDirectory, PACKAGE);
}

/** Runs the built command as a user does. */
export async function pyroPull(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand([process.execPath, EXECUTABLE, ...args], options);
}

/** Runs a command that has to end well. */
export async function mustPull(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const result = await pyroPull(args, options);
  const said = `${result.stderr.slice(0, 4_000)}\n${result.stdout.slice(0, 1_000)}`;
  assert.equal(result.code, 0, `pyro-pull ${args.join(' ')} ended with ${result.code}:\n${said}`);
  return result;
}

/** The lines of the index in a directory that `scrape` wrote, oldest first. */
export function readIndex(directory: string): IndexLine[] {
  const file = join(directory, 'index.ndjson');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => indexLine.parse(JSON.parse(line)));
}

/** What one run of `scrape` added to a directory. */
export interface Written extends IndexLine {
  readonly file: string;
}

/** Runs `scrape` into a directory and gives the files that this run wrote. */
export async function scrapeInto(directory: string, args: readonly string[]): Promise<Written[]> {
  const before = readIndex(directory).length;
  await mustPull(['scrape', '--out', directory, ...args]);
  return readIndex(directory)
    .slice(before)
    .map((line) => ({ ...line, file: join(directory, line.path) }));
}

/** The one file of a profile. */
export function theOnly(written: readonly Written[], profile: string): Written {
  const found = written.filter((line) => line.profile === profile);
  assert.equal(found.length, 1, `${found.length} files of ${profile} among ${written.map((line) => line.profile)}`);
  return found[0]!;
}
