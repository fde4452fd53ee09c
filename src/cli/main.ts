import { systemFault } from '../system-fault.ts';
import { EXIT_FAILED, EXIT_OK } from './exit-code.ts';
import { processIo } from './io.ts';
import { run } from './run.ts';

/** The process's entry: runs the command line and leaves the exit code. */
export async function main(): Promise<void> {
  let isOutputLost = false;
  const io = processIo((error) => {
    if (!isOutputLost) io.stderr.write(`pyro-pull: cannot write standard output: ${systemFault(error).words}\n`);
    isOutputLost = true;
    // The error of the last write comes after the run has ended.
    process.exitCode ||= EXIT_FAILED;
  });
  const code = await run(process.argv.slice(2), io);
  process.exitCode = code === EXIT_OK && isOutputLost ? EXIT_FAILED : code;
}
