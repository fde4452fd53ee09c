import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseByteSize } from '../../config/byte-size.ts';
import { ValueError } from '../../config/value-error.ts';
import { deltaFiles, type FileDelta } from '../../delta/file-delta.ts';
import { ProfileError, UsageError } from '../../errors.ts';
import { oneLine } from '../../safe-text/one-line.ts';
import { writeFileWhole } from '../../sinks/file/write-file.ts';
import { expectBriefRun } from '../brief-run.ts';
import { EXIT_OK } from '../exit-code.ts';
import { type Io, paintFor, writeLines } from '../io.ts';
import { count, formatBytes } from '../render/units.ts';

export interface DeltaOptions {
  readonly before: string;
  readonly after: string;
  readonly output: string;
  readonly json: boolean;
  /** Of each file, uncompressed: `64MiB`. 0 for no limit. */
  readonly bodySizeLimit: string;
}

/** Writes what happened between two snapshots. Rejects with ProfileError (naming the file), UsageError or SinkError; nothing is written then. */
export async function delta(options: DeltaOptions, io: Io): Promise<number> {
  expectBriefRun();
  const maxBytes = limitOf(options.bodySizeLimit);
  const before = read(options.before, io);
  const after = read(options.after, io);
  const made = namingFile(options, () => deltaFiles(before, after, { maxBytes }));
  const isToStdout = options.output === '-';
  if (isToStdout) io.stdout.write(made.body);
  else writeFileWhole(resolve(io.cwd, options.output), made.body);

  const paint = paintFor(io.stderr, io.env, options.json);
  for (const message of made.warnings) io.stderr.write(`${paint.yellow('warning:')} ${oneLine(message)}\n`);
  const told = isToStdout ? io.stderr : io.stdout;
  if (options.json) told.write(`${JSON.stringify(asJson(options.output, made))}\n`);
  else writeLines(told, [asText(options.output, made)]);
  return EXIT_OK;
}

/** Throws UsageError. */
function limitOf(size: string): number {
  try {
    return Number(parseByteSize(size)) || Number.POSITIVE_INFINITY;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(`--body-size-limit: ${error.message}`, {
      ...(error.hint && { hint: error.hint }),
      cause: error,
    });
  }
}

/** Throws ProfileError. */
function read(file: string, io: Io): Uint8Array {
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (error) {
    throw new ProfileError(
      'FILE_UNREADABLE',
      `${file}: ${error instanceof Error ? reasonOf(error) : 'cannot be read'}`,
      { cause: error },
    );
  }
}

/** Node's messages repeat the path and the system call; the sentence before them is enough. */
function reasonOf(error: Error): string {
  return /^[A-Z]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
}

/** A ProfileError of the engine says what is wrong, not with which of the two. */
function namingFile(options: DeltaOptions, make: () => FileDelta): FileDelta {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new ProfileError(
      error.code,
      error.message.replace(/^(before|after)\b/, (which) => (which === 'before' ? options.before : options.after)),
      {
        hint: error.hint?.replace(/^raise body-size-limit$/, 'raise --body-size-limit'),
        cause: error,
      },
    );
  }
}

function asText(output: string, made: FileDelta): string {
  const reset = made.isReset ? '; the counters were reset: these are the full values of the new process' : '';
  const clamped = made.clamped > 0 ? `; ${count(made.clamped, 'sample')} fell and count as 0` : '';
  return `${output === '-' ? 'standard output' : output}: ${count(made.samples, 'sample')}, ${formatBytes(made.body.length)}${reset}${clamped}`;
}

function asJson(output: string, made: FileDelta): Record<string, unknown> {
  return {
    output,
    samples: made.samples,
    bytes: made.body.length,
    sampleTypes: made.sampleTypes,
    reset: made.isReset,
    clamped: made.clamped,
    warnings: made.warnings,
  };
}
