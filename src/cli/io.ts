import { Chalk, type ChalkInstance } from 'chalk';
import { errnoOf } from '../errors.ts';
import { terminalText } from '../safe-text/laid-out.ts';
import { oneLine } from '../safe-text/one-line.ts';

/** Everything of the terminal and the process that a command may touch; tests pass buffers. */
export interface Io {
  /** Results only. */
  readonly stdout: Output;
  /** Everything else. */
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Calls back at each SIGINT and SIGTERM; returns the way to stop listening. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
  /** Calls back at each SIGHUP, which then no longer ends the process; returns the way to stop listening. */
  onHangup(listener: () => void): () => void;
  /** Ends the process at once: the second signal. */
  exit(code: number): void;
}

export interface Output {
  /**
   * Text is made safe for a terminal: of what is unseen only line breaks and our own colours pass. Foreign text within a line
   * goes through `oneLine` before, or a line break in it would look like ours.
   */
  write(text: string | Uint8Array): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

/** `onOutputFailure`: results could not be written to standard output, as onto a full disk. */
export function processIo(onOutputFailure: (error: Error) => void = () => {}): Io {
  // A reader that went away (`| head`) is no fault of the run, and where messages can't go there is no one to tell.
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') onOutputFailure(error);
  });
  process.stderr.on('error', () => {});
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    // Node makes a stream of it when asked, whether anybody reads or not.
    get stdin() {
      return process.stdin;
    },
    env: process.env,
    cwd: process.cwd(),
    onSignal(listener) {
      const onInt = () => listener('SIGINT');
      const onTerm = () => listener('SIGTERM');
      process.on('SIGINT', onInt);
      process.on('SIGTERM', onTerm);
      return () => {
        process.off('SIGINT', onInt);
        process.off('SIGTERM', onTerm);
      };
    },
    onHangup(listener) {
      process.on('SIGHUP', listener);
      return () => process.off('SIGHUP', listener);
    },
    exit: (code) => process.exit(code),
  };
}

/** One of the process's streams. */
export function outputOf(stream: Pick<NodeJS.WriteStream, 'write' | 'writable' | 'isTTY' | 'columns'>): Output {
  return {
    write: (text) => void (stream.writable && stream.write(typeof text === 'string' ? terminalText(text) : text)),
    // A terminal that has no width, as `docker run -t` without one of its own makes it, can't be drawn on: a spinner would
    // count its lines for ever.
    isTTY: stream.isTTY === true && stream.columns !== 0,
    columns: stream.columns || 80,
  };
}

/** Writes lines of plain text, foreign text in them included. */
export function writeLines(output: Output, lines: readonly string[]): void {
  if (lines.length > 0) output.write(lines.map((line) => `${oneLine(line)}\n`).join(''));
}

/** Colour for one stream: FORCE_COLOR wins, then NO_COLOR, TERM=dumb and CI switch it off, then only a TTY has it. */
export function paintFor(output: Output, env: Io['env'], isPlain = false): ChalkInstance {
  return new Chalk({ level: wantsColour(output, env, isPlain) ? 1 : 0 });
}

function wantsColour(output: Output, env: Io['env'], isPlain: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return !isPlain && isInteractive(output, env);
}

/** Whether a spinner or colour may be drawn: a TTY, and nobody asked for quiet. */
export function isInteractive(output: Output, env: Io['env']): boolean {
  return output.isTTY && !env['NO_COLOR'] && !env['CI'] && env['TERM'] !== 'dumb';
}
