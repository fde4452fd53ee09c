import { type Io, outputOf } from '../../src/cli/io.ts';

/** A terminal in memory. */
export interface MemoryIo extends Io {
  /** What was written to standard output, text only. */
  out(): string;
  err(): string;
  /** Acts as if the process got this signal. */
  signal(name: 'SIGINT' | 'SIGTERM'): void;
  /** Acts as if the process got SIGHUP. */
  hangup(): void;
  readonly exits: readonly number[];
}

export function memoryIo(
  options: { cwd?: string; env?: Record<string, string>; stdin?: string; isTTY?: boolean } = {},
): MemoryIo {
  const written = { out: '', err: '' };
  const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
  const hangups = new Set<() => void>();
  const exits: number[] = [];
  const output = (to: 'out' | 'err') =>
    outputOf({
      write: (text: string | Uint8Array) => {
        written[to] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
        return true;
      },
      writable: true,
      isTTY: options.isTTY ?? false,
      columns: 100,
    });
  return {
    stdout: output('out'),
    stderr: output('err'),
    stdin: stdinOf(options.stdin ?? ''),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onHangup(listener) {
      hangups.add(listener);
      return () => hangups.delete(listener);
    },
    exit: (code) => void exits.push(code),
    out: () => written.out,
    err: () => written.err,
    signal: (name) => {
      for (const listener of listeners) listener(name);
    },
    hangup: () => {
      for (const listener of hangups) listener();
    },
    exits,
  };
}

async function* stdinOf(text: string): AsyncGenerator<string> {
  yield text;
}
