import type { LogLevel } from '../config/scrape-config.ts';
import { VERSION } from '../version.ts';
import { exitCodeOfError } from './exit-code.ts';
import { type Io, paintFor } from './io.ts';

/** Runs one command line (without `node` and the script) and gives the exit code. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const { runProgram } = await import('./program.ts');
    return await runProgram(argv, io);
  } catch (error) {
    const { formatError } = await import('./print-error.ts');
    io.stderr.write(
      formatError(error, paintFor(io.stderr, io.env), { debug: isDebug(argv, io.env), version: VERSION }),
    );
    return exitCodeOfError(error);
  }
}

/**
 * The flag is looked for by hand, because the parsing of flags may be what failed. Commands that have no such flag hear
 * of NODE_DEBUG.
 */
function isDebug(argv: readonly string[], env: Io['env']): boolean {
  const level: LogLevel = 'debug';
  const isAsked = argv.some(
    (arg, at) => arg === `--log-level=${level}` || (arg === '--log-level' && argv[at + 1] === level),
  );
  return isAsked || (env['NODE_DEBUG'] ?? '').split(',').includes('pyro-pull');
}
