import { processIo } from './io.ts';
import { run } from './run.ts';

/** The process's entry: runs the command line and leaves the exit code. */
export async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), processIo());
}
